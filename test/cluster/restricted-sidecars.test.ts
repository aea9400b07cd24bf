import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { createNamespace, startApiServer, type ApiServer } from '../../scripts/cluster/api-server.ts'
import type { Facts } from '../../src/core/decision/facts.ts'
import { outcomeOf } from '../../src/core/explain/outcome-of.ts'
import { parseJson } from '../../src/core/json/parse.ts'
import { type JsonObject, objectOr, objectsOf } from '../../src/core/json/value.ts'
import { factsOf } from '../goldens/sets/injection-admit.ts'

const NAMESPACE = 'restricted'
const LABELS = { 'pod-security.kubernetes.io/enforce': 'restricted' }
const CASES = new URL('../goldens/injection/', import.meta.url)

/** Pods whose own annotations or templates make them invalid, whatever the namespace enforces; the words are the API server's. */
const INVALID: readonly string[] = [
  'only-proxy-container: is invalid: spec.containers: Required value',
  'template-patch-delete: is invalid: spec.containers[1].volumeMounts[5].name: Not found: "istio-data"',
  'user-volume: is invalid: [spec.volumes[10].configMap.items[0].path: Invalid value: "/some-path": must be a relative path, spec.initContainers[1].volumeMounts[10].name: Not found: "user-volume-2"]',
]

/** Refused by Sluice before the API server is asked: what they want is more than `restricted` allows. */
const IMPOSSIBLE: readonly string[] = [
  // a proxy as root, or privileged by the settings
  'anno-cap-net-bind-tproxy',
  'flag-cap-net-bind',
  'flag-privileged-cni',
  'flag-privileged',
  // Istio's templates for gateways and proxyless gRPC give their containers no security context
  'gateway-network-path',
  'gateway-values-security-context',
  'grpc-agent-same-port-two-protocols',
  'grpc-simple',
  // TPROXY and rule tracing
  'hello-openshift-tproxy',
  'hello-tproxy',
  // an annotation that no rule can be made of
  'include-outbound-ports-unvalidated',
  'mesh-iptables-trace-cni',
  'mode-tproxy-cni',
  'mode-tproxy',
  'openshift-tproxy-init-mode',
]

interface GoldenPod {
  readonly name: string
  readonly golden: JsonObject
  readonly pod: JsonObject
}

/** What a pod needs for `restricted`, said of each container, so that nothing is left for the injected ones to inherit. */
const HARDENED = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
}

function goldenPods(): readonly GoldenPod[] {
  return readdirSync(CASES)
    .filter((file) => file.endsWith('.json'))
    .map((file) => ({ file, golden: objectOr(parseJson(readFileSync(new URL(file, CASES), 'utf8'))) }))
    .filter(({ golden }) => golden['kind'] === 'pod' && golden['outcome'] === 'injected')
    .map(({ file, golden }) => ({ name: file.slice(0, -5), golden, pod: hardened(objectOr(golden['pod'])) }))
}

/** The pod as its author would write it for such a namespace, under an account that the namespace has. */
function hardened(pod: JsonObject): JsonObject {
  const spec = Object.fromEntries(
    Object.entries(objectOr(pod['spec'])).filter(([key]) => !/^serviceAccount(Name)?$/.test(key)),
  )
  const containers = (list: string): JsonObject => {
    const all = objectsOf(spec[list])
    const changed = all.map((one) => ({
      ...one,
      image: one['image'] ?? 'a:1',
      securityContext: { ...objectOr(one['securityContext']), ...HARDENED },
    }))
    return all.length === 0 ? {} : { [list]: changed }
  }
  return { ...pod, spec: { ...spec, ...containers('initContainers'), ...containers('containers') } }
}

/** Everywhere an agent, and a namespace that enforces `restricted`. */
function restrictedFacts(golden: JsonObject, pod: JsonObject): Facts {
  const facts = factsOf(golden, pod)
  return {
    ...facts,
    namespace: { ...facts.namespace, labels: { ...facts.namespace.labels, ...LABELS } },
    coverage: { ...facts.coverage, cni: facts.coverage.ambient, installed: { agent: true, ztunnel: false } },
  }
}

/** What the API server says against each pod, by its place; absent: admitted. */
async function objections(server: ApiServer, pods: readonly JsonObject[]): Promise<ReadonlyMap<number, string>> {
  const items = pods.map((pod, index) => {
    const { labels, annotations } = objectOr(pod['metadata'])
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `case-${index}`, namespace: NAMESPACE, labels, annotations },
      spec: pod['spec'],
    }
  })
  const { stderr } = await server.kubectl(
    ['create', '--validate=ignore', '--dry-run=server', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
  )
  const said = [...stderr.matchAll(/^(?:Error from server .*|The Pod )"?.*?(case-\d+)"? (.*)$/gm)]
  const unplaced = stderr.split('\n').filter((line) => /^(Error|error|The Pod)/.test(line)).length - said.length
  assert.equal(unplaced, 0, stderr.slice(0, 2000))
  return new Map(said.map(([, name = '', words = '']) => [Number(name.slice('case-'.length)), words]))
}

test('an application that `restricted` admits is admitted with its sidecar of mode cni too, in every golden case', async (t) => {
  const server = await startApiServer()
  t.after(server.stop)
  await createNamespace(server, NAMESPACE, LABELS)
  const all = goldenPods()
  const before = await objections(
    server,
    all.map(({ pod }) => pod),
  )
  const admitted = all.filter((_, index) => !before.has(index))
  const outcomes = admitted.map(({ name, golden, pod }) => ({ name, outcome: outcomeOf(restrictedFacts(golden, pod)) }))
  const meshed = outcomes.filter(({ outcome }) => outcome.decision.is === 'meshed')
  const after = await objections(
    server,
    meshed.map(({ outcome }) => outcome.pod),
  )
  const refused = meshed.flatMap(({ name }, index) => (after.has(index) ? [`${name}: ${after.get(index) ?? ''}`] : []))
  assert.deepEqual(refused, [...INVALID])
  assert.deepEqual(
    outcomes.filter(({ outcome }) => outcome.decision.is !== 'meshed').map(({ name }) => name),
    [...IMPOSSIBLE],
  )
  assert.ok(meshed.length > 180, `${meshed.length} pods were looked at`)
})
