import type { GrammarName } from './grammars.ts'

/** One annotation or label: what people may write, and what it does. Validation and docs/annotations.md come from it. */
export interface AnnotationRow {
  readonly on: readonly ('pod' | 'namespace')[]
  readonly grammar: GrammarName
  /** what becomes of a pod whose value the grammar does not accept */
  readonly otherwise: 'refused' | 'ignored'
  /** what holds where it is absent, in words */
  readonly default: string
  /** in words, without a full stop */
  readonly effect: string
}
