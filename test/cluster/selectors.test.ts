import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type ApiServer, startApiServer } from '../../scripts/cluster/api-server.ts'
import { type Audience, istioEntries, matchingEntries, sluiceEntries } from '../../src/core/decision/selectors.ts'
import { type JsonObject, objectsOf } from '../../src/core/json/value.ts'
import {
  ownAmbientWebhooks,
  type Registration,
  webhookConfiguration,
} from '../../src/core/registration/webhook-configuration.ts'
import type { EnablementSelector } from '../../src/core/settings/ambient-enablement.ts'
import { parseEnablement } from '../../src/core/settings/enablement-text.ts'
import { istioPairs, type Labels, sluicePairs } from './label-pairs.ts'

/** Nobody listens there: the API server says whom it would have asked, and lets the pod pass. */
const NOBODY = 'https://127.0.0.1:1'
const EFFECT_MS = 30_000

function installations(namespacesByDefault: boolean): readonly Audience[] {
  return [
    { revision: 'default', isDefault: true, namespacesByDefault },
    { revision: 'canary', isDefault: false, namespacesByDefault: false },
    { revision: 'stable', isDefault: false, namespacesByDefault: false },
  ]
}

function configurationOf(audience: Audience, own: readonly EnablementSelector[] = []): JsonObject {
  const registration: Registration = {
    audience,
    client: { is: 'url', url: NOBODY },
    path: '/inject',
    failurePolicy: 'Ignore',
    reinvocationPolicy: 'IfNeeded',
    timeoutSeconds: 5,
    ownNamespaces: ['sluice-system'],
  }
  const usual = webhookConfiguration(registration)
  return { ...usual, webhooks: [...objectsOf(usual['webhooks']), ...ownAmbientWebhooks(registration, own)] }
}

let server: ApiServer
before(async () => {
  server = await startApiServer()
})
after(async () => await server.stop())

async function applied(objects: readonly JsonObject[]): Promise<void> {
  const { code, stderr } = await server.kubectl(
    ['apply', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
  )
  assert.equal(code, 0, stderr)
}

const podOf = (namespace: string, name: string, labels: Labels): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels },
  spec: { containers: [{ name: 'a', image: 'registry.example/a:1' }] },
})

/** `configuration/entry` of everything that the API server would have asked about a pod, from its audit log. */
function asked(): ReadonlyMap<string, readonly string[]> {
  return new Map(
    server.auditEvents().map(({ objectRef, annotations }) => [
      `${objectRef?.namespace ?? ''}/${objectRef?.name ?? ''}`,
      Object.entries(annotations ?? {})
        .filter(([key]) => key.startsWith('mutation.webhook.admission.k8s.io/'))
        .map(([, value]) => {
          const { configuration, webhook } = JSON.parse(value) as { configuration: string; webhook: string }
          return `${configuration}/${webhook}`
        }),
    ]),
  )
}

/** Waits until a configuration that was just written counts: a pod that only it asks about is asked about. */
async function inEffect(namespace: string, labels: Labels, wanted: boolean): Promise<void> {
  const deadline = Date.now() + EFFECT_MS
  for (let round = 0; ; round++) {
    const name = `probe-${round}-${String(wanted)}`
    await server.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(podOf(namespace, name, labels)))
    const found = asked().get(`${namespace}/${name}`) ?? []
    if (found.length > 0 === wanted) return
    assert.ok(Date.now() < deadline, `the configuration never counts: ${found.join(', ')}`)
    await wait(100)
  }
}

for (const namespacesByDefault of [false, true])
  test(`the API server asks about exactly the pods that the table of selectors names (enableNamespacesByDefault: ${String(namespacesByDefault)})`, async () => {
    const space = namespacesByDefault ? 'auto' : 'opted'
    const pairs = [...istioPairs(), ...sluicePairs()]
    assert.ok(pairs.length > 250, `${pairs.length} pairs`)
    const namespaces = new Map<string, { readonly name: string; readonly labels: Labels }>()
    const pods = pairs.map(({ namespace, pod }, index) => {
      const key = JSON.stringify(namespace)
      const known = namespaces.get(key) ?? { name: `${space}-${namespaces.size}`, labels: namespace }
      namespaces.set(key, known)
      return { namespace: known.name, name: `pod-${index}`, labels: pod }
    })
    const made = [...namespaces.values()].flatMap(({ name, labels }) => [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } },
    ])
    const audiences = installations(namespacesByDefault)
    await applied([...made, ...audiences.map((audience) => configurationOf(audience))])
    const bare = namespaces.get('{}')?.name ?? ''
    await inEffect(bare, { 'istio.io/rev': 'stable' }, true)
    await inEffect(bare, {}, namespacesByDefault)

    const items = pods.map(({ namespace, name, labels }) => podOf(namespace, name, labels))
    const { code, stderr } = await server.kubectl(
      ['create', '--dry-run=server', '-o', 'name', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
    )
    assert.equal(code, 0, stderr)
    const found = asked()
    pods.forEach(({ namespace, name }, index) => {
      const pair = pairs[index] ?? { namespace: {}, pod: {} }
      const labels = { ...pair, namespace: { ...pair.namespace, 'kubernetes.io/metadata.name': namespace } }
      const expected = audiences.flatMap((audience) =>
        matchingEntries([...istioEntries(audience), ...sluiceEntries(audience)], labels).map(
          (entry) => `${audience.isDefault ? 'sluice' : `sluice-${audience.revision}`}/${entry.name}.sluice-mesh.io`,
        ),
      )
      assert.deepEqual(found.get(`${namespace}/${name}`), expected, JSON.stringify(pair))
    })
  })

test("selectors of one's own for ambient: the API server asks by them about whom no other entry asks about", async () => {
  const own = parseEnablement(
    '[{podSelector: {matchLabels: {team: mesh}}, namespaceSelector: {matchExpressions: [{key: zone, operator: Exists}]}}]',
  )
  const [audience] = installations(false)
  assert.ok(audience !== undefined)
  const namespaces = [
    { name: 'zoned', labels: { zone: '' } },
    { name: 'zoned-off', labels: { zone: '', 'istio-injection': 'disabled' } },
    { name: 'elsewhere', labels: {} },
  ]
  await applied([
    ...namespaces.flatMap(({ name, labels }) => [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } },
    ]),
    configurationOf(audience, own),
  ])
  await inEffect('zoned', { team: 'mesh' }, true)
  const team = { team: 'mesh' }
  const pods: readonly (readonly [string, string, Labels, readonly string[]])[] = [
    ['zoned', 'mine', team, ['ambient.own-0']],
    ['zoned-off', 'mine', team, ['ambient.own-0.off']],
    ['zoned', 'labelled', { ...team, 'istio.io/dataplane-mode': 'ambient' }, ['ambient.object']],
    ['zoned', 'wishing', { ...team, 'sluice-mesh.io/mode': 'cni' }, ['mode.object']],
    ['zoned', 'sidecar', { ...team, 'sidecar.istio.io/inject': 'true' }, ['object']],
    ['zoned', 'other', {}, []],
    ['elsewhere', 'mine', team, []],
  ]
  for (const [namespace, name, labels, want] of pods) {
    const { code, stderr } = await server.kubectl(
      ['create', '--dry-run=server', '-f', '-'],
      JSON.stringify(podOf(namespace, name, labels)),
    )
    assert.equal(code, 0, stderr)
    const entries = (asked().get(`${namespace}/${name}`) ?? []).map((one) =>
      one.replace(/^sluice\/|\.sluice-mesh\.io$/g, ''),
    )
    assert.deepEqual(entries, want, `${namespace}/${name}`)
  }
})

test('nothing is asked about in the namespaces that a cluster needs to start, nor in the own one, whatever their labels say', async () => {
  const labels = { 'istio-injection': 'enabled', 'sluice-mesh.io/mode': 'auto' }
  const names = ['kube-system', 'kube-node-lease', 'sluice-system']
  await applied([
    ...names.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })),
    ...names.map((name) => ({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace: name },
    })),
    configurationOf({ revision: 'default', isDefault: true, namespacesByDefault: true }),
  ])
  for (const name of names) {
    const { code, stderr } = await server.kubectl(
      ['create', '--dry-run=server', '-f', '-'],
      JSON.stringify(podOf(name, 'system', { 'sidecar.istio.io/inject': 'true' })),
    )
    assert.equal(code, 0, stderr)
    assert.deepEqual(asked().get(`${name}/system`), [])
  }
})
