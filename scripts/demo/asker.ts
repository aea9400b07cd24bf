import type { Example } from './examples.ts'

/** A way to learn what becomes of an example's pod. */
export interface Asker {
  /** lines for people */
  readonly ask: (example: Example) => Promise<readonly string[]>
  readonly stop: () => Promise<void>
}
