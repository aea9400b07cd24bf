import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { JsonObject } from '../../src/core/json/value.ts'
import { applied } from './boundary.ts'
import { type Mesh, startMesh, until } from './mesh.ts'

let mesh: Mesh
before(async () => {
  mesh = await startMesh({ sidecars: { 'istio-injection': 'enabled' }, plain: {} })
})
after(async () => await mesh.stop())

const template = (labels: JsonObject = {}, annotations: JsonObject = {}): JsonObject => ({
  metadata: { labels: { app: 'web', ...labels }, annotations },
  spec: { containers: [{ name: 'app', image: 'registry.example/app:1' }] },
})
const selector = { matchLabels: { app: 'web' } }
const job = (labels: JsonObject, annotations: JsonObject): JsonObject => {
  const made = template(labels, annotations)
  return { template: { ...made, spec: { ...(made['spec'] as JsonObject), restartPolicy: 'Never' } } }
}

type Make = (labels: JsonObject, annotations: JsonObject) => JsonObject

/** Each kind that is asked about, with a template of these labels and annotations. */
const SPECS: Readonly<Record<string, { readonly apiVersion: string; readonly spec: Make }>> = {
  Deployment: { apiVersion: 'apps/v1', spec: (...of) => ({ selector, template: template(...of) }) },
  StatefulSet: {
    apiVersion: 'apps/v1',
    spec: (...of) => ({ selector, serviceName: 'web', template: template(...of) }),
  },
  DaemonSet: { apiVersion: 'apps/v1', spec: (...of) => ({ selector, template: template(...of) }) },
  ReplicaSet: { apiVersion: 'apps/v1', spec: (...of) => ({ selector, template: template(...of) }) },
  Job: { apiVersion: 'batch/v1', spec: (...of) => job(...of) },
  CronJob: { apiVersion: 'batch/v1', spec: (...of) => ({ schedule: '0 * * * *', jobTemplate: { spec: job(...of) } }) },
}

function workload(
  kind: string,
  name: string,
  {
    namespace = 'sidecars',
    labels = {},
    annotations = {},
  }: { namespace?: string; labels?: JsonObject; annotations?: JsonObject } = {},
): JsonObject {
  const { apiVersion, spec } = SPECS[kind] ?? assert.fail(kind)
  return { apiVersion, kind, metadata: { name, namespace }, spec: spec(labels, annotations) }
}

async function apply(object: JsonObject, ...more: readonly string[]): Promise<string> {
  const { code, stderr } = await mesh.server.kubectl(['apply', ...more, '-f', '-'], JSON.stringify(object))
  assert.equal(code, 0, stderr)
  return stderr
}

const dryRun = async (object: JsonObject): Promise<string> => await apply(object, '--dry-run=server')

for (const kind of Object.keys(SPECS)) {
  test(`kubectl apply --dry-run=server of a ${kind} explains its template`, async () => {
    // a new registration takes a moment to count
    const said = await until(`a ${kind} is explained`, async () => {
      const stderr = await dryRun(workload(kind, 'web'))
      return stderr === '' ? undefined : stderr
    })
    assert.match(said, /^Warning: sluice: mode cni: cni_first: .*istio-injection=enabled/)
    assert.match(said, /Warning: sluice: not ambient: family_by_labels: /)
  })

  test(`a ${kind} whose pods opt out by an annotation is told so; one that is not for the mesh hears nothing`, async () => {
    const out = await dryRun(workload(kind, 'web', { annotations: { 'sidecar.istio.io/inject': 'false' } }))
    assert.match(out, /^Warning: sluice: left alone: annotation_false: /)
    // as for pods: the label keeps them from being asked about
    assert.equal(await dryRun(workload(kind, 'web', { labels: { 'sidecar.istio.io/inject': 'false' } })), '')
    assert.equal(await dryRun(workload(kind, 'web', { namespace: 'plain' })), '')
    const asks = await dryRun(workload(kind, 'web', { namespace: 'plain', labels: { 'sluice-mesh.io/mode': 'init' } }))
    assert.match(asks, /^Warning: sluice: mode init: wish_granted: /)
  })

  test(`a ${kind} that is really written is neither warned of nor changed, and its next dry run is explained`, async () => {
    assert.equal(await apply(workload(kind, 'written')), '')
    const { stdout } = await mesh.server.kubectl(['get', kind, 'written', '-n', 'sidecars', '-o', 'json'])
    assert.doesNotMatch(stdout, /istio-proxy|sluice-mesh\.io\/decided/)
    const changed = workload(kind, 'written')
    const metadata = { ...(changed['metadata'] as JsonObject), labels: { team: 'x' } }
    assert.match(await dryRun({ ...changed, metadata }), /^Warning: sluice: mode cni: /)
  })
}

test('a wish that cannot be is told on the dry run of the workload, long before a controller fails to make pods', async () => {
  const said = await dryRun(workload('Deployment', 'web', { labels: { 'sluice-mesh.io/mode': 'sidecar' } }))
  assert.match(said, /^Warning: sluice: refused: wish_unknown: /)
})

test('with the webhook away, a dry run of a workload is not hindered', async () => {
  await mesh.stopWebhook()
  assert.equal(await dryRun(workload('Deployment', 'web')), '')
  await applied(mesh.server, [workload('Deployment', 'real')])
})
