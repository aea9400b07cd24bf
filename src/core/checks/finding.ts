import type { Known } from './survey.ts'

/** How a check came out. `unknown` is never to be read as fine. */
export interface Finding {
  readonly verdict: 'ok' | 'warning' | 'error' | 'unknown'
  /** what was found; empty where there is nothing to add to the title */
  readonly detail: string
}

/** All is well. */
export const fine = (detail = ''): Finding => ({ verdict: 'ok', detail })
export const warning = (detail: string): Finding => ({ verdict: 'warning', detail })
export const failed = (detail: string): Finding => ({ verdict: 'error', detail })
export const unknown = (detail: string): Finding => ({ verdict: 'unknown', detail })

/** What `judge` makes of a part that was read; `unknown` where it was not. */
export function given<T>(part: Known<T>, judge: (value: T) => Finding): Finding {
  return part.is === 'known' ? judge(part.value) : unknown(part.why)
}

/** Names for a sentence: some, and how many more. */
export function listed(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')
}
