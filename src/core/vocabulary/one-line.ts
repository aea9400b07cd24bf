/** What breaks a line, moves a cursor, or shows a text in another order than it was written. */
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu
const UNSEEN_IN_A_LINE = /(?:(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}])+/gu

/**
 * `text` as a reader sees it whole and in its order, on one line: parts of a sentence may come from whoever wrote a pod, and
 * what disguises itself in a terminal, an event or a condition misleads whoever decides by it.
 */
export function oneLine(text: string): string {
  return text.replaceAll(UNSEEN, ' ')
}

/** The same of a text whose lines are meant. */
export function eachLine(text: string): string {
  return text.replaceAll(UNSEEN_IN_A_LINE, ' ')
}

/** `text` of JSON, or of what YAML has in double quotes, with escapes for what a reader would not see: it means what it meant. */
export function escapeUnseen(text: string): string {
  return text.replaceAll(UNSEEN_IN_A_LINE, (run) =>
    Array.from(run, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  )
}
