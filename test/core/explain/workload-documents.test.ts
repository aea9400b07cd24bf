import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Facts } from '../../../src/core/decision/facts.ts'
import { outcomesOfDocument } from '../../../src/core/explain/workload-documents.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { parseMeshSettings } from '../../../src/core/settings/parse-mesh-settings.ts'
import { DEFAULT_POLICY } from '../../../src/core/settings/policy.ts'

const settings = parseMeshSettings({})
const seen: (string | undefined)[] = []

function factsOf(pod: JsonObject, namespace: string | undefined): Facts {
  seen.push(namespace)
  return {
    pod,
    namespace: {
      name: namespace ?? 'default',
      labels: { 'istio.io/dataplane-mode': 'none', 'sluice-mesh.io/mode': 'ambient' },
      annotations: {},
    },
    settings,
    policy: { ...DEFAULT_POLICY, contradiction: 'wish' },
    coverage: {
      cni: { is: 'no-nodes' },
      ambient: { is: 'possible', covered: 1, candidates: 1 },
      installed: { agent: true, ztunnel: true },
      ageSeconds: 0,
    },
    dryRun: true,
    pathEnv: {},
    kubeletVersions: new Map(),
  }
}

const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'a', image: 'b' }] }, madeUp: 1 }

for (const { kind, wrap, read } of [
  ...[
    'Deployment',
    'DaemonSet',
    'ReplicaSet',
    'StatefulSet',
    'ReplicationController',
    'DeploymentConfig',
    'Rollout',
    'Job',
  ].map((kind) => ({
    kind,
    wrap: (inner: JsonObject): JsonObject => ({ template: inner }),
    read: (spec: JsonObject): unknown => spec['template'],
  })),
  {
    kind: 'CronJob',
    wrap: (inner: JsonObject): JsonObject => ({ jobTemplate: { spec: { template: inner } } }),
    read: (spec: JsonObject): unknown =>
      (spec as { jobTemplate: { spec: { template: JsonObject } } }).jobTemplate.spec.template,
  },
])
  test(`the pods of a ${kind} are decided by their template, in the document's namespace, and unknown fields survive`, () => {
    seen.length = 0
    const { document, pods } = outcomesOfDocument(
      { kind, metadata: { name: 'n', namespace: 'shop' }, spec: { ...wrap(template), other: 2 } },
      factsOf,
    )
    assert.deepEqual(seen, ['shop'])
    assert.deepEqual(
      pods.map(({ name, outcome }) => [
        name,
        outcome.decision.is === 'meshed' ? outcome.decision.mode : outcome.decision.is,
      ]),
      [[`${kind.toLowerCase()}/n`, 'ambient']],
    )
    const spec = document['spec'] as JsonObject
    const made = read(spec) as typeof template & { metadata: { labels: Record<string, string> } }
    assert.equal(made.metadata.labels['istio.io/dataplane-mode'], 'ambient')
    assert.equal(made.madeUp, 1)
    assert.equal(spec['other'], 2)
  })

test('a document without pods is the very same object, in a list too', () => {
  const service = { kind: 'Service', spec: { template: { spec: {} } } }
  const list = { kind: 'List', items: [service] }
  assert.equal(outcomesOfDocument(service, factsOf).document, service)
  assert.equal(outcomesOfDocument(list, factsOf).document, list)
})

test('each item of a list is handled by itself', () => {
  const { document, pods } = outcomesOfDocument(
    {
      kind: 'List',
      items: [
        { kind: 'Pod', metadata: { name: 'p' }, spec: {} },
        'odd',
        { kind: 'Job', metadata: { name: 'j' }, spec: { template } },
      ],
    },
    factsOf,
  )
  assert.deepEqual(
    pods.map(({ name }) => name),
    ['pod/p', 'job/j'],
  )
  assert.equal((document['items'] as unknown[])[1], 'odd')
})

function asInit(pod: JsonObject): Facts {
  return {
    ...factsOf(pod, 'shop'),
    namespace: { name: 'shop', labels: { 'sluice-mesh.io/mode': 'init' }, annotations: {} },
  }
}

test('the pods of a workload are in its namespace, whatever the template says', () => {
  const inside = { ...template, metadata: { namespace: 'elsewhere' } }
  const deployment = { kind: 'Deployment', apiVersion: 'apps/v1', metadata: { name: 'web', namespace: 'shop' } }
  const { document } = outcomesOfDocument({ ...deployment, spec: { template: inside } }, asInit)
  assert.match(JSON.stringify(document), /"kubernetes:\/\/apis\/apps\/v1\/namespaces\/shop\/deployments\/web"/)
})

test('a Job that the API server is yet to name is no workload yet: its prefix names nothing', () => {
  const job = (metadata: JsonObject): string => {
    const { document } = outcomesOfDocument({ kind: 'Job', metadata, spec: { template } }, asInit)
    return JSON.stringify(document)
  }
  assert.match(job({ name: 'import' }), /"ISTIO_META_WORKLOAD_NAME","value":"import"/)
  assert.doesNotMatch(job({ generateName: 'import-' }), /ISTIO_META_WORKLOAD_NAME|ISTIO_META_OWNER/)
})
