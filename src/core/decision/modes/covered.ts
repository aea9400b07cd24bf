import type { Mode } from '../../vocabulary/modes.ts'
import type { Reason } from '../../vocabulary/reasons.ts'
import type { ModeCoverage } from '../coverage.ts'

/** The reason against a mode that too few nodes can do, if so. */
export function uncovered(mode: Mode, coverage: ModeCoverage): readonly Reason[] {
  if (coverage.is !== 'impossible') return []
  const { covered, candidates, example } = coverage
  return [{ code: 'nodes_not_covered', args: { mode, covered, candidates, example } }]
}
