import type { Json } from '../../src/core/json/value.ts'
import type { GoldenCase, GoldenSet } from './golden-set.ts'
import type { IntendedDifference, OwnResults } from './intended.ts'

/** What is to be said about one case. */
export interface Verdict {
  readonly set: string
  readonly name: string
  readonly is: 'passed' | 'failed' | 'intended'
  /** why it failed, a line for each field */
  readonly lines: readonly string[]
}

interface Judging {
  readonly intended: ReadonlyMap<string, IntendedDifference>
  readonly ownResults: OwnResults
  /** write our own results anew instead of comparing with them */
  readonly update: boolean
  /** cases of another directory: of those that no name stands for, a quirk that the input shows may explain the difference */
  readonly byQuirk: boolean
}

/** Runs `golden` and compares: with Istio's result, or with our own where a difference is intended. */
export function judge(set: GoldenSet, golden: GoldenCase, judging: Judging): Verdict {
  const says = (is: Verdict['is'], lines: readonly string[] = []): Verdict => ({
    set: set.name,
    name: golden.name,
    is,
    lines,
  })
  let actual: Json
  try {
    actual = golden.actual()
  } catch (error) {
    return says('failed', thrown(error))
  }
  const fromIstio = set.differences(golden.expected, actual)
  const row = judging.intended.get(golden.name)
  if (row === undefined && fromIstio.length === 0) return says('passed')
  if (row === undefined) {
    const foreseen = byRule(set, golden, actual) || (judging.byQuirk && golden.foresees?.(fromIstio) === true)
    return foreseen ? says('intended') : says('failed', fromIstio)
  }
  if (fromIstio.length === 0)
    return says('failed', [`stale: agrees with Istio, but differences.tsv lists it (quirk ${row.quirk})`])
  if (judging.update) judging.ownResults.write(row.file, actual)
  const own = judging.ownResults.read(row.file)
  if (own === undefined) return says('failed', [`our own result expected/${row.file} is missing`])
  const fromOwn = set.differences(own, actual)
  return fromOwn.length === 0
    ? says('intended')
    : says('failed', [`differs from our own result (quirk ${row.quirk}):`, ...fromOwn])
}

/** Is `actual` what a rule of the set says that Sluice makes of the case instead? */
function byRule(set: GoldenSet, golden: GoldenCase, actual: Json): boolean {
  return golden.own !== undefined && set.differences(golden.own, actual).length === 0
}

/** The message and where it came from, not the whole way through the runner. */
function thrown(error: unknown): readonly string[] {
  return error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 3) : [String(error)]
}

/** Names in differences.tsv that no case bears, and files in expected/ that no row names. */
export function staleRows(judging: Judging, names: ReadonlySet<string>): readonly Verdict[] {
  const rows = [...judging.intended.values()]
  const files = new Set(rows.map(({ file }) => file))
  const stale = (name: string, line: string): Verdict => ({ set: 'differences.tsv', name, is: 'failed', lines: [line] })
  return [
    ...rows.filter(({ name }) => !names.has(name)).map(({ name }) => stale(name, 'stale: no case has this name')),
    ...judging.ownResults
      .files()
      .filter((file) => !files.has(file))
      .map((file) => stale(`expected/${file}`, 'stale: no row of differences.tsv names it')),
  ]
}
