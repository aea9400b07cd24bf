import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ambientStanding, ISTIO_AMBIENT_RULES, moveOf } from '../../../src/core/intent/ambient-standing.ts'
import { DEFAULT_ENABLEMENT } from '../../../src/core/settings/ambient-enablement.ts'
import { parseEnablement } from '../../../src/core/settings/enablement-text.ts'

const MODE = 'istio.io/dataplane-mode'
const RULES = { ...ISTIO_AMBIENT_RULES, excludedNamespaces: ['kube-system'] }

interface Case {
  readonly name: string
  readonly pod?: string
  readonly namespace?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly spec?: Readonly<Record<string, boolean | { readonly name: string }>>
  readonly phase?: string
  readonly in?: string
  readonly want: string
}

const CASES: readonly Case[] = [
  { name: 'nothing asks', want: 'ambient_not_asked' },
  { name: "the pod's own label", pod: 'ambient', want: 'in' },
  { name: "the namespace's label", namespace: 'ambient', want: 'in' },
  { name: 'a pod that refuses in an ambient namespace', pod: 'none', namespace: 'ambient', want: 'ambient_not_asked' },
  { name: 'another value of the pod, in an ambient namespace', pod: 'sidecar', namespace: 'ambient', want: 'in' },
  { name: 'a pod that asks in a namespace that refuses', pod: 'ambient', namespace: 'none', want: 'in' },
  {
    name: 'a sidecar, whatever its status says',
    pod: 'ambient',
    annotations: { 'sidecar.istio.io/status': '' },
    want: 'sidecar_in_pod',
  },
  { name: 'host network', pod: 'ambient', spec: { hostNetwork: true }, want: 'host_network' },
  { name: 'another operating system', pod: 'ambient', spec: { os: { name: 'windows' } }, want: 'os_unsupported' },
  { name: 'linux said', pod: 'ambient', spec: { os: { name: 'linux' } }, want: 'in' },
  { name: 'an excluded namespace', pod: 'ambient', in: 'kube-system', want: 'namespace_excluded' },
  { name: 'a pod that waits for its containers', pod: 'ambient', phase: 'Pending', want: 'in' },
  { name: 'a pod whose node does not answer', pod: 'ambient', phase: 'Unknown', want: 'in' },
  { name: 'a job that is done', pod: 'ambient', phase: 'Succeeded', want: 'pod_finished' },
  { name: 'a pod that failed', pod: 'ambient', phase: 'Failed', want: 'pod_finished' },
]

for (const one of CASES)
  test(`who is for ambient: ${one.name}`, () => {
    const labels = (mode: string | undefined): Record<string, string> => (mode === undefined ? {} : { [MODE]: mode })
    const pod = {
      metadata: { labels: labels(one.pod), annotations: one.annotations ?? {} },
      spec: { ...one.spec },
      status: { phase: one.phase ?? 'Running' },
    }
    const standing = ambientStanding(pod, { name: one.in ?? 'shop', labels: labels(one.namespace) }, RULES)
    assert.equal(standing.is === 'in' ? 'in' : standing.reason.code, one.want)
  })

test('a pod joins, stays, leaves or is forgotten by what it has and what it should have', () => {
  const out = { is: 'out', reason: { code: 'ambient_not_asked', args: {} } } as const
  const finished = { is: 'out', reason: { code: 'pod_finished', args: {} } } as const
  const moves = [{ is: 'in' } as const, out, finished].map((s) => [moveOf(false, s), moveOf(true, s)])
  assert.deepEqual(moves, [
    ['join', 'stay'],
    ['none', 'leave'],
    ['none', 'forget'],
  ])
})

test('the selectors of Istio’s chart are read as they stand there', () => {
  const chart = `
    - podSelector:
        matchLabels: {istio.io/dataplane-mode: ambient}
    - podSelector:
        matchExpressions:
        - {key: istio.io/dataplane-mode, operator: NotIn, values: [none]}
      namespaceSelector:
        matchLabels: {istio.io/dataplane-mode: ambient}`
  assert.deepEqual(parseEnablement(chart), DEFAULT_ENABLEMENT)
  assert.deepEqual(parseEnablement(''), [])
})

for (const [text, problem] of [
  ['{}', 'ambientEnablement: must be a list'],
  ['[a]', 'ambientEnablement[0]: must be an object'],
  ['[{podSelectors: {}}]', 'ambientEnablement[0].podSelectors: is not known'],
  [
    '[{podSelector: {matchLabels: {"a b": c}}}]',
    'ambientEnablement[0].podSelector.matchLabels["a b"]: is no label key',
  ],
  ['[', 'ambientEnablement: is neither YAML nor JSON'],
] as const)
  test(`selectors that are not such are refused: ${text}`, () => {
    assert.throws(
      () => parseEnablement(text),
      (error: Error) => error.message.startsWith(problem),
    )
  })
