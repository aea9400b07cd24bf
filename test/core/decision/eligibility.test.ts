import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { injectorVerdict } from '../../../src/core/decision/eligibility.ts'
import { factsOf } from './facts-fixture.ts'

const APP_X = { matchLabels: { app: 'x' } }
const OTHER = { matchLabels: { app: 'y' } }

/** The code by which Istio's table is decided. */
function verdictOf(given: Parameters<typeof factsOf>[0]): string {
  const verdict = injectorVerdict(factsOf(given))
  return verdict.injects ? verdict.because : verdict.reason.code
}

test("every pod that reaches Istio's injector is judged as by Istio", () => {
  const text = readFileSync(new URL('../../goldens/selection.tsv', import.meta.url), 'utf8')
  const [head = '', ...lines] = text.trim().split('\n')
  const columns = head.split('\t')
  const rows = lines
    .map((line) => Object.fromEntries(line.split('\t').map((value, at) => [columns[at] ?? '', value])))
    .filter((row) => row['webhook'] !== '-')
  assert.ok(rows.length > 150, `only ${rows.length} rows were read`)
  const present = (name: string, value: string | undefined): Record<string, string> =>
    value === undefined || value === '-' ? {} : { [name]: value }
  for (const row of rows) {
    const got = verdictOf({
      namespace: row['namespace'] ?? '',
      labels: present('sidecar.istio.io/inject', row['pod:sidecar.istio.io/inject']),
      annotations: present('sidecar.istio.io/inject', row['annotation:sidecar.istio.io/inject']),
      spec: { hostNetwork: row['hostNetwork'] === 'true' },
      injector: {
        policy: row['policy'] ?? '',
        neverInjectSelector: [row['neverSelectorMatches'] === 'yes' ? APP_X : OTHER],
        alwaysInjectSelector: [row['alwaysSelectorMatches'] === 'yes' ? APP_X : OTHER],
      },
    })
    assert.equal(got.replaceAll('_', '-'), row['reason'], JSON.stringify(row))
  }
})

const TABLE: readonly (readonly [name: string, given: Parameters<typeof factsOf>[0], want: string])[] = [
  [
    'an empty label hides the annotation',
    { labels: { 'sidecar.istio.io/inject': '' }, annotations: { 'sidecar.istio.io/inject': 'false' } },
    'policy_enabled',
  ],
  ['an empty selector matches nothing', { injector: { neverInjectSelector: [{}] } }, 'policy_enabled'],
  ['selectors are alternatives', { injector: { neverInjectSelector: [OTHER, APP_X] } }, 'never_selector'],
  [
    'an invalid selector does not hide the next one',
    { injector: { neverInjectSelector: [{ matchLabels: 5 }, APP_X] } },
    'never_selector',
  ],
  [
    'never beats always',
    { injector: { neverInjectSelector: [APP_X], alwaysInjectSelector: [APP_X] } },
    'never_selector',
  ],
  [
    'always beats a disabled policy',
    { injector: { policy: 'disabled', alwaysInjectSelector: [APP_X] } },
    'always_selector',
  ],
  ['hostNetwork is only the boolean', { spec: { hostNetwork: 'true' } }, 'policy_enabled'],
]

for (const [name, given, want] of TABLE) test(`eligibility: ${name}`, () => assert.equal(verdictOf(given), want))

test('an invalid selector is named by its place', () => {
  const { warnings } = injectorVerdict(
    factsOf({
      injector: { alwaysInjectSelector: [OTHER, { matchExpressions: [{ key: 'a', operator: 'In', values: [] }] }] },
    }),
  )
  assert.deepEqual(warnings, [
    {
      code: 'selector_invalid',
      args: { field: 'alwaysInjectSelector[1].matchExpressions[0].values', problem: 'must not be empty for In' },
    },
  ])
})

test('a value that a request brings is quoted and cut before it is shown', () => {
  const { warnings } = injectorVerdict(factsOf({ labels: { 'sidecar.istio.io/inject': `a\n${'b'.repeat(500)}` } }))
  const [warning] = warnings
  assert.ok(warning?.code === 'inject_value_unknown')
  assert.ok(warning.args.value.startsWith('"a\\nbbb') && warning.args.value.length < 120, warning.args.value)
})
