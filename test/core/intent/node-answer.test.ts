import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AskedPod, nodeAnswer, type NodeKnowledge } from '../../../src/core/intent/node-answer.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'

const DECIDED = { 'kubernetes.io/config.source': 'api', 'sluice-mesh.io/decided': 'cni' }
const INTENT = { 'sluice-mesh.io/intent': '{"v":1,"kind":"sidecar"}' }
const FROM_API = { 'kubernetes.io/config.source': 'api' }

const podWith = (metadata: JsonObject, spec: JsonObject = {}): JsonObject => ({
  metadata,
  spec: { containers: [{ name: 'app' }], ...spec },
})
const INJECTED = podWith(
  { annotations: { 'sidecar.istio.io/status': '{}' } },
  { containers: [{ name: 'istio-proxy', args: ['proxy', 'sidecar'] }] },
)

interface Case {
  readonly name: string
  readonly asked?: Partial<AskedPod>
  readonly known?: Partial<NodeKnowledge>
  /** the answer, and its reason's code or the kind of its intent */
  readonly want: string
}

const CASES: readonly Case[] = [
  {
    name: 'decided for cni, nothing known',
    asked: { annotations: { ...DECIDED, ...INTENT } },
    want: 'redirect sidecar',
  },
  { name: 'decided for cni, nothing to redirect by', asked: { annotations: DECIDED }, want: 'refuse intent_absent' },
  {
    name: 'decided for cni with the intent of ambient',
    asked: { annotations: { ...DECIDED, 'sluice-mesh.io/intent': '{"v":1,"kind":"ambient"}' } },
    want: 'refuse intent_invalid',
  },
  {
    name: 'an intent of tomorrow',
    asked: { annotations: { ...DECIDED, 'sluice-mesh.io/intent': '{"v":2,"kind":"sidecar"}' } },
    want: 'refuse intent_version',
  },
  {
    name: 'a forged intent that redirects nothing is no proof: the pod is not known',
    asked: { annotations: { ...DECIDED, 'sluice-mesh.io/intent': '{"v":1,"kind":"none"}' } },
    want: 'wait',
  },
  {
    name: 'a forged intent that redirects nothing on a pod that Istio injected',
    asked: { annotations: { ...DECIDED, 'sluice-mesh.io/intent': '{"v":1,"kind":"none"}' } },
    known: { pod: INJECTED },
    want: 'redirect sidecar',
  },
  {
    name: 'an annotation that says none on a pod whose namespace is for ambient',
    asked: { annotations: { ...FROM_API, 'sluice-mesh.io/decided': 'none' } },
    known: { pod: podWith({}), namespaceLabels: { 'istio.io/dataplane-mode': 'ambient' } },
    want: 'redirect ambient',
  },
  { name: 'a pod without any mesh', known: { pod: podWith({}) }, want: 'pass proxy_absent' },
  { name: 'a pod that the watch will show in a moment', want: 'wait' },
  { name: 'a pod that an old watch does not show', known: { isCurrent: false }, want: 'pass promise_absent' },
  {
    name: 'the same in a namespace that was for ambient when it was seen last',
    known: { isCurrent: false, namespaceLabels: { 'istio.io/dataplane-mode': 'ambient' } },
    want: 'wait',
  },
  {
    name: 'a pod from a file',
    asked: { annotations: { 'kubernetes.io/config.source': 'file' } },
    want: 'pass pod_from_file',
  },
  { name: 'no annotations, and the pod is not known', asked: { annotations: null }, want: 'wait' },
  {
    name: 'no annotations: those that the API server has',
    asked: { annotations: null },
    known: { pod: podWith({ annotations: { ...DECIDED, ...INTENT } }) },
    want: 'redirect sidecar',
  },
  { name: 'a pod whose namespace is not known yet', known: { pod: podWith({}), namespaceLabels: null }, want: 'wait' },
  { name: 'an excluded namespace', asked: { namespace: 'kube-system' }, want: 'pass namespace_excluded' },
  {
    name: 'an excluded namespace that the webhook decided for all the same',
    asked: { namespace: 'kube-system', annotations: { ...DECIDED, ...INTENT } },
    want: 'redirect sidecar',
  },
  {
    name: 'a bad annotation of traffic',
    known: {
      pod: podWith(
        {
          annotations: {
            'sidecar.istio.io/status': '{}',
            'traffic.sidecar.istio.io/excludeInboundPorts': '80 -j ACCEPT',
          },
        },
        { containers: [{ name: 'istio-proxy' }] },
      ),
    },
    want: 'refuse intent_invalid',
  },
]

for (const { name, asked, known, want } of CASES)
  test(`on the node: ${name}`, () => {
    const answer = nodeAnswer(
      { namespace: 'shop', annotations: FROM_API, ...asked },
      { pod: null, namespaceLabels: {}, isCurrent: true, excludedNamespaces: ['kube-system'], ambient: true, ...known },
    )
    const what = answer.is === 'redirect' ? answer.intent.kind : answer.is === 'wait' ? '' : answer.reason.code
    assert.equal(`${answer.is} ${what}`.trim(), want)
  })
