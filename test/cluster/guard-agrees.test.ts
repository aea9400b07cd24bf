import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { type ApiServer, startApiServer } from '../../scripts/cluster/api-server.ts'
import {
  type Audience,
  istioEntries,
  matchingEntries,
  optOutEntries,
  sluiceEntries,
} from '../../src/core/decision/selectors.ts'
import type { Facts } from '../../src/core/decision/facts.ts'
import { outcomeOf } from '../../src/core/explain/outcome-of.ts'
import type { JsonObject } from '../../src/core/json/value.ts'
import { guard } from '../../src/core/registration/guard.ts'
import { guardKeys } from '../../src/core/registration/guard-keys.ts'
import { parseMeshSettings } from '../../src/core/settings/parse-mesh-settings.ts'
import { parsePolicy } from '../../src/core/settings/policy.ts'
import { applied, refusals } from './boundary.ts'
import { istioPairs, type LabelPair, sluicePairs } from './label-pairs.ts'
import { until } from './mesh.ts'

const AUDIENCE: Audience = { revision: 'default', isDefault: true, namespacesByDefault: true }

let server: ApiServer
before(async () => {
  server = await startApiServer()
})
after(async () => await server.stop())

/** The same pods, with what only a pod can say besides. */
const ANNOTATIONS: readonly JsonObject[] = [
  {},
  { 'sidecar.istio.io/inject': 'false' },
  { 'sidecar.istio.io/inject': 'true' },
]

interface Asked extends LabelPair {
  readonly namespaceName: string
  readonly name: string
  readonly annotations: JsonObject
}

/** Every pod once, in namespaces that are shared by all with the same labels. */
function askedPods(): readonly Asked[] {
  const names = new Map<string, string>()
  const pairs = [...istioPairs(), ...sluicePairs()]
  assert.ok(pairs.length > 250, `${pairs.length} pairs`)
  return pairs.map(({ namespace, pod }, index) => {
    const key = JSON.stringify(namespace)
    names.set(key, names.get(key) ?? `space-${names.size}`)
    // the label hides the annotation, so a third of the pods is enough for either
    const annotations = ANNOTATIONS[index % ANNOTATIONS.length] ?? {}
    const labels = { ...pod, app: index % 2 === 0 ? 'even' : 'odd' }
    return { namespaceName: names.get(key) ?? '', namespace, pod: labels, name: `pod-${index}`, annotations }
  })
}

const podOf = ({ name, namespaceName, pod, annotations }: Asked): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: namespaceName, labels: pod, annotations },
  spec: { containers: [{ name: 'app', image: 'registry.example/app:1' }] },
})

/** What the webhook would have said, where the pod shows nothing of it: undefined where the guard must let it pass. */
function wanted(asked: Asked, { policy, settings }: Said): 'opt_out_denied' | 'guard_no_evidence' | undefined {
  const labels = { ...asked.namespace, 'kubernetes.io/metadata.name': asked.namespaceName }
  const entries = [...istioEntries(AUDIENCE), ...sluiceEntries(AUDIENCE), ...optOutEntries(AUDIENCE)]
  if (matchingEntries(entries, { namespace: labels, pod: asked.pod }).length === 0) return undefined
  const covered = { is: 'possible', covered: 1, candidates: 1 } as const
  const facts: Facts = {
    pod: podOf(asked),
    namespace: { name: asked.namespaceName, labels, annotations: {} },
    settings: parseMeshSettings({ config: JSON.stringify(settings) }),
    policy: parsePolicy(JSON.stringify(policy)),
    coverage: { cni: covered, ambient: covered, installed: { agent: true, ztunnel: true }, ageSeconds: 0 },
    dryRun: false,
    pathEnv: {},
    kubeletVersions: new Map(),
  }
  const { decision } = outcomeOf(facts)
  if (decision.is === 'left') return undefined
  return decision.reason.code === 'opt_out_denied' ? 'opt_out_denied' : 'guard_no_evidence'
}

interface Said {
  readonly policy: JsonObject
  readonly settings: JsonObject
}

const EVEN = { matchLabels: { app: 'even' } }
const CASES: readonly (Said & { readonly says: string })[] = [
  { says: 'the defaults', policy: {}, settings: { policy: 'enabled' } },
  {
    says: "no opting out but in namespaces of a revision, and Istio's labels win",
    policy: {
      contradiction: 'labels',
      optOut: {
        default: 'deny',
        rules: [
          {
            namespaceSelector: {
              matchExpressions: [
                { key: 'istio.io/rev', operator: 'In', values: ['canary', 'default'] },
                { key: 'istio.io/dataplane-mode', operator: 'NotIn', values: ['none'] },
                { key: 'istio-injection', operator: 'DoesNotExist' },
                { key: 'kubernetes.io/metadata.name', operator: 'Exists' },
              ],
            },
            permission: 'allow',
          },
        ],
      },
    },
    settings: { policy: 'enabled', neverInjectSelector: [EVEN, {}] },
  },
  {
    says: 'nobody is in the mesh unless something asks for it',
    policy: { defaultMode: 'none', optOut: { default: 'deny' } },
    settings: { policy: 'enabled' },
  },
  {
    says: 'an injector that injects only what its selectors name',
    policy: {},
    settings: { policy: 'disabled', alwaysInjectSelector: [EVEN], neverInjectSelector: [{ matchLabels: { app: '' } }] },
  },
]

test('the guard and the webhook agree about every pod: whom they ask about, and who may stay out', async () => {
  const pods = askedPods()
  const namespaces = new Map(pods.map(({ namespaceName, namespace }) => [namespaceName, namespace]))
  const parts = { audience: AUDIENCE, policyNamespace: 'sluice-system', ownNamespaces: ['sluice-system'] }
  await applied(server, [
    ...[['sluice-system', {}] as const, ...namespaces].flatMap(([name, labels]) => [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } },
    ]),
    ...guard(parts),
  ])
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: pods.map(podOf) })
  for (const said of CASES) {
    const { injector } = parseMeshSettings({ config: JSON.stringify(said.settings) })
    const keys = guardKeys('default', parsePolicy(JSON.stringify(said.policy)), injector)
    await applied(server, [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'sluice-policy', namespace: 'sluice-system' },
        data: keys,
      },
    ])
    const expected = new Map(
      pods.flatMap((asked) => {
        const code = wanted(asked, said)
        return code === undefined ? [] : [[asked.name, code] as const]
      }),
    )
    assert.ok(expected.size > 20, `${said.says}: ${expected.size} pods are refused`)
    let found: ReadonlyMap<string, string> = new Map()
    // a new parameter takes a moment to count; a difference that stays is told below
    await until(`the guard takes the keys: ${said.says}`, async () => {
      const { stderr } = await server.kubectl(['create', '--dry-run=server', '-o', 'name', '-f', '-'], list)
      found = new Map([...refusals(stderr)].map(([name, why]) => [name, /sluice: ([a-z_]+):/.exec(why)?.[1] ?? why]))
      return isDeepStrictEqual(found, expected) ? true : undefined
    }).catch(() => undefined)
    const differing = pods
      .filter(({ name }) => found.get(name) !== expected.get(name))
      .map((asked) => ({ ...asked, guard: found.get(asked.name), webhook: expected.get(asked.name) }))
    assert.deepEqual(differing, [], said.says)
  }
})
