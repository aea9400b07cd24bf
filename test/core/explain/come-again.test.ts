import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Facts } from '../../../src/core/decision/facts.ts'
import { outcomeOf } from '../../../src/core/explain/outcome-of.ts'
import { annotationsOf, labelsOf, specOf } from '../../../src/core/json/pod.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { factsOf, NONE_COVERED } from '../decision/facts-fixture.ts'

const optional = (value: JsonObject): fc.Arbitrary<JsonObject> => fc.constantFrom<JsonObject>({}, value)
const merged = (...parts: fc.Arbitrary<JsonObject>[]): fc.Arbitrary<JsonObject> =>
  fc.tuple(...parts).map((all) => Object.assign({}, ...all) as JsonObject)

const app = merged(
  fc.constant({ name: 'app', image: 'app:1', future: { field: 1 } }),
  optional({ readinessProbe: { httpGet: { path: '/ready', port: 80 } } }),
  optional({ livenessProbe: { tcpSocket: { port: 90 } } }),
  optional({ ports: [{ containerPort: 80 }] }),
)
const ownProxy: JsonObject = { name: 'istio-proxy', image: 'auto', resources: { requests: { cpu: '222m' } } }
const pod: fc.Arbitrary<JsonObject> = fc
  .record({
    app,
    spec: merged(
      optional({ volumes: [{ name: 'own', emptyDir: {} }] }),
      optional({ initContainers: [{ name: 'prepare', image: 'prepare:1' }] }),
      optional({ imagePullSecrets: [{ name: 'own' }] }),
    ),
    proxied: fc.boolean(),
    annotations: merged(
      optional({ 'traffic.sidecar.istio.io/excludeOutboundPorts': '5432' }),
      optional({ 'prometheus.io/port': '80' }),
      optional({ 'sidecar.istio.io/interceptionMode': 'TPROXY' }),
      optional({ 'sidecar.istio.io/nativeSidecar': 'false' }),
      optional({ own: 'x' }),
    ),
  })
  .map(({ app, spec, proxied, annotations }) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', labels: { app: 'x' }, annotations },
    spec: { containers: proxied ? [app, ownProxy] : [app], ...spec },
  }))

/** A sidecar by one of its modes, asked for by the namespace: the pod itself says nothing about it. */
const wished = (pod: JsonObject, mode: string): Facts => ({
  ...factsOf({ namespaceLabels: { 'sluice-mesh.io/mode': mode } }),
  pod,
})
const sidecarMode = fc.constantFrom('cni', 'init')

/** Without the order of keys. */
function plain(pod: JsonObject): unknown {
  return JSON.parse(JSON.stringify(pod))
}

test('a pod that comes again as it was made comes back as the very same object', () => {
  fc.assert(
    fc.property(pod, fc.constantFrom('cni', 'init', 'ambient'), (one, mode) => {
      const made = outcomeOf(wished(one, mode))
      assert.equal(made.decision.is, 'meshed')
      const again = outcomeOf(wished(made.pod, mode))
      assert.equal(again.pod, made.pod)
      assert.deepEqual(again.decision, made.decision)
    }),
  )
})

test('a pod that comes again for another mode ends as if it came for the first time', () => {
  fc.assert(
    fc.property(pod, sidecarMode, sidecarMode, (one, first, second) => {
      const between = outcomeOf(wished(one, first)).pod
      assert.deepEqual(plain(outcomeOf(wished(between, second)).pod), plain(outcomeOf(wished(one, second)).pod))
    }),
  )
})

test('a pod with a sidecar that is now for ambient gets rid of it', () => {
  fc.assert(
    fc.property(pod, sidecarMode, (one, mode) => {
      // whoever writes a proxy of his own wants one
      fc.pre(!JSON.stringify(one).includes('istio-proxy'))
      const { pod: ambient, netAdmin } = outcomeOf(wished(outcomeOf(wished(one, mode)).pod, 'ambient'))
      assert.deepEqual(plain(specOf(ambient)), plain(specOf(one)))
      assert.deepEqual(netAdmin, [])
      assert.equal(labelsOf(ambient)['security.istio.io/tlsMode'], undefined)
      for (const name of ['sidecar.istio.io/status', 'istio.io/rev'])
        assert.equal(annotationsOf(ambient)[name], undefined)
    }),
  )
})

test('a pod with a sidecar for which nothing is possible any more is admitted without it', () => {
  const facts = factsOf({
    namespaceLabels: { 'istio.io/dataplane-mode': 'ambient' },
    coverage: { ambient: NONE_COVERED },
    policy: { onImpossible: 'admit' },
  })
  const meshed = outcomeOf(wished(facts.pod, 'cni')).pod
  const { pod: unmeshed, decision } = outcomeOf({ ...facts, pod: meshed })
  assert.equal(decision.reason.code, 'admitted_unmeshed')
  assert.deepEqual(plain(specOf(unmeshed)), plain(specOf(facts.pod)))
  assert.equal(annotationsOf(unmeshed)['sluice-mesh.io/decided'], 'none')
})

test('a status that no sidecar stands behind does not keep a pod out of ambient', () => {
  const outcome = outcomeOf(factsOf({ annotations: { 'sidecar.istio.io/status': '{"containers":["istio-proxy"]}' } }))
  assert.equal(outcome.decision.is, 'meshed')
  assert.equal(annotationsOf(outcome.pod)['sidecar.istio.io/status'], undefined)
  assert.deepEqual(
    outcome.warnings.map(({ code }) => code),
    ['status_not_trusted'],
  )
})

test('what an earlier injection brought is judged again where the pod comes to', () => {
  const { pod, netAdmin } = outcomeOf(wished(factsOf({}).pod, 'init'))
  assert.deepEqual(netAdmin, [{ container: 'istio-init' }])
  const namespaceLabels = { 'sluice-mesh.io/mode': 'init', 'pod-security.kubernetes.io/enforce': 'baseline' }
  const { decision } = outcomeOf({ ...factsOf({ namespaceLabels }), pod })
  assert.equal(decision.is, 'refused')
  assert.deepEqual(
    decision.rejected.filter(({ mode }) => mode === 'init').map(({ reason }) => reason.code),
    ['pod_security'],
  )
})

test('the proxy of an earlier injection is no wish for a sidecar', () => {
  const { pod } = outcomeOf(wished(factsOf({}).pod, 'cni'))
  const { decision } = outcomeOf({ ...factsOf({}), pod })
  assert.equal(decision.is === 'meshed' ? decision.mode : decision.reason.code, 'ambient')
})
