import type { Json } from '../../src/core/json/value.ts'

/** One input of Istio's with what Istio makes of it. */
export interface GoldenCase {
  /** stable and made of the case alone: another directory may hold other cases beside it */
  readonly name: string
  /** Istio's result, as the directory holds it */
  readonly expected: Json
  /** what the product makes of the same input; a throw is a bug and counts as failed */
  readonly actual: () => Json
  /** our own result where a rule of the set, and not a name in differences.tsv, says that Sluice decides otherwise on purpose */
  readonly own?: Json
  /** for a case that no name in differences.tsv stands for: is the difference from Istio one that the input foresees? */
  readonly foresees?: (lines: readonly string[]) => boolean
}

/** Cases of one kind. To add a set: one file in sets/, one row in sets/sets.ts. */
export interface GoldenSet {
  readonly name: string
  /** file or folder of the goldens directory that it reads; where it is missing, the set is left out */
  readonly place: string
  readonly cases: (place: string) => readonly GoldenCase[]
  /** where `actual` differs in meaning from `expected`, a line for each field; empty: equal */
  readonly differences: (expected: Json, actual: Json) => readonly string[]
}
