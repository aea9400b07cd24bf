import { oneLine } from '../vocabulary/one-line.ts'

/** The API server may cut a longer warning. */
export const LONGEST_WARNING = 256
/** The API server drops what exceeds this in one answer. */
export const ALL_WARNINGS = 4096

const ELLIPSIS = '…'

/**
 * `warnings` as the API server passes them on whole: no control characters, which an HTTP header cannot carry, at most 256
 * characters each and 4096 together. What is cut ends in `…`; what is left out is counted in the last one.
 */
export function fitWarnings(warnings: readonly string[]): readonly string[] {
  const clipped = warnings.map(clip)
  if (lengthOf(clipped) <= ALL_WARNINGS) return clipped
  const room = ALL_WARNINGS - LONGEST_WARNING // the last one counts the rest
  const fitting = clipped.findIndex((_, index) => lengthOf(clipped.slice(0, index + 1)) > room)
  return [...clipped.slice(0, fitting), `${clipped.length - fitting} more warnings do not fit`]
}

function clip(warning: string): string {
  const text = oneLine(warning).trim().toWellFormed()
  if (text.length <= LONGEST_WARNING) return text
  return text.slice(0, LONGEST_WARNING - 1).toWellFormed() + ELLIPSIS
}

function lengthOf(warnings: readonly string[]): number {
  return warnings.reduce((sum, warning) => sum + warning.length, 0)
}
