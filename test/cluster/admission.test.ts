import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { EXAMPLES, readExample } from '../../scripts/demo/examples.ts'
import { containersOf } from '../../src/core/json/pod.ts'
import { type JsonObject, objectOr, objectsOf, stringMap, stringOr } from '../../src/core/json/value.ts'
import { type Mesh, startMesh } from './mesh.ts'

const SIDECARS = { 'istio-injection': 'enabled' }
const RESTRICTED = { ...SIDECARS, 'pod-security.kubernetes.io/enforce': 'restricted' }

/** What `sluice explain` and the unit tests say of each example, said by a real API server. */
const WANTED: Readonly<Record<(typeof EXAMPLES)[number], { mode: string; reason: string; netAdmin?: string }>> = {
  '01-deployment.yaml': { mode: 'cni', reason: 'cni_first' },
  '02-restricted.yaml': { mode: 'cni', reason: 'cni_first' },
  '03-ambient.yaml': { mode: 'ambient', reason: 'ambient_first' },
  '04-opt-out.yaml': { mode: 'none', reason: 'annotation_false' },
  '05-node-without-agent.yaml': { mode: 'init', reason: 'init_last_resort', netAdmin: 'istio-init' },
  '06-host-network.yaml': { mode: 'none', reason: 'host_network' },
  '07-nothing-possible.yaml': { mode: 'none', reason: 'no_mode_possible' },
}

const examples = EXAMPLES.map((file) => ({ ...readExample(file), wanted: WANTED[file] }))
const nameIn = (object: JsonObject): string => stringOr(objectOr(object['metadata'])['name']) ?? ''

let mesh: Mesh
before(async () => {
  mesh = await startMesh({
    ...Object.fromEntries(
      examples.map(({ namespace }) => [nameIn(namespace), stringMap(objectOr(namespace['metadata'])['labels'])]),
    ),
    sidecars: SIDECARS,
    restricted: RESTRICTED,
    plain: {},
  })
})
after(async () => await mesh.stop())

/** `annotations` of the audit log that the webhook's entry wrote, without the entry's name. */
function answered(namespace: string, pod: string): Readonly<Record<string, string>> {
  const annotations = Object.entries(mesh.auditOf(namespace, pod).annotations ?? {})
  return Object.fromEntries(
    annotations.flatMap(([key, value]) => {
      const [entry = '', name = ''] = key.split('/')
      return entry.endsWith('.sluice-mesh.io') && !entry.startsWith('failed-open') ? [[name, value]] : []
    }),
  )
}

function pod(namespace: string, name: string, over: { metadata?: JsonObject; spec?: JsonObject } = {}): JsonObject {
  const app = { name: 'app', image: 'registry.example/app:1' }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, ...over.metadata },
    spec: { containers: [app], ...over.spec },
  }
}

/** Passes `restricted` by itself. */
const MODEST: JsonObject = {
  securityContext: { runAsNonRoot: true, runAsUser: 10_001 },
  containers: [
    {
      name: 'app',
      image: 'registry.example/app:1',
      securityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
        seccompProfile: { type: 'RuntimeDefault' },
      },
    },
  ],
}

const namesOf = (created: JsonObject): readonly string[] => containersOf(created).map(({ name }) => name)

for (const { title, path, pod: examplePod, wanted } of examples)
  test(`a dry run of ${path} (${title}) prints the mode and the reason as a warning, and the audit log has the same words`, async () => {
    const { warnings, stderr, code } = await mesh.create([examplePod], 'dry run')
    const refused = wanted.reason === 'no_mode_possible'
    assert.equal(code, refused ? 1 : 0, stderr)
    const [first = ''] = warnings
    const verdict = refused ? 'refused' : wanted.mode === 'none' ? 'left alone' : `mode ${wanted.mode}`
    assert.ok(first.startsWith(`sluice: ${verdict}: ${wanted.reason}: `), stderr)
    const { mode, reason, netAdmin } = { netAdmin: undefined, ...wanted }
    assert.deepEqual(answered(stringOr(objectOr(examplePod['metadata'])['namespace']) ?? '', nameIn(examplePod)), {
      mode,
      reason,
      ...(netAdmin === undefined ? {} : { 'net-admin': netAdmin }),
    })
  })

test('a refusal names every reason and what to do', async () => {
  const { stderr } = await mesh.create([readExample('07-nothing-possible.yaml').pod], 'dry run')
  for (const words of ['no_mode_possible: ', 'cni: nodes_not_covered: ', 'init: pod_security: ', 'to do: '])
    assert.ok(stderr.includes(words), `${words} is not in ${stderr}`)
})

test('the pods of one ReplicaSet, each with a name, a token and a time of its own, are decided about once', async () => {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-7d4b9c6f5d', uid: 'c1b2', controller: true }
  const one = pod('sidecars', 'unused', { spec: { serviceAccountName: 'default' } })
  const metadata = { namespace: 'sidecars', generateName: 'web-7d4b9c6f5d-', ownerReferences: [owner] }
  const before = await mesh.remembered()
  const made: JsonObject[] = []
  for (let turn = 0; turn < 3; turn++) {
    made.push(...(await mesh.create([{ ...one, metadata }], 'for real')).objects)
    // the API server's times have seconds
    await sleep(1_100)
  }
  const all = JSON.stringify(made)
  for (const differs of [
    /"kube-api-access-[a-z0-9]{5}"/g,
    /"name":"web-7d4b9c6f5d-[a-z0-9]{5}"/g,
    /"creationTimestamp":"[^"]+"/g,
  ])
    assert.equal(new Set(all.match(differs)).size, 3, String(differs))
  assert.ok(made.every((created) => namesOf(created).includes('istio-proxy')))
  // each is asked about twice, since the API server adds to it what it adds to every container
  assert.equal((await mesh.remembered()) - before, 4)
})

test('a dry run leaves nothing behind', async () => {
  await mesh.create([pod('sidecars', 'only-asked')], 'dry run')
  const { stdout } = await mesh.server.kubectl(['get', 'pods', '-A', '-o', 'name'])
  assert.doesNotMatch(stdout, /only-asked/)
})

test('in a namespace that enforces restricted, `auto` is cni where nodes are covered: created for real, and past Pod Security', async () => {
  const { objects, stderr, warnings } = await mesh.create([pod('restricted', 'covered', { spec: MODEST })], 'for real')
  assert.equal(stderr, '')
  assert.deepEqual(warnings, [], 'a real request warns only of what needs attention')
  const [created = {}] = objects
  assert.deepEqual(namesOf(created), ['istio-validation', 'istio-proxy', 'app'])
  const annotations = stringMap(objectOr(created['metadata'])['annotations'])
  assert.equal(annotations['sluice-mesh.io/decided'], 'cni')
  assert.equal(annotations['sluice-mesh.io/reason'], 'cni_first')
  assert.equal(answered('restricted', 'covered')['net-admin'], undefined)
})

test('in a namespace that enforces restricted, `auto` without covered nodes is a refusal, never init', async () => {
  const bound = pod('restricted', 'uncovered', { spec: { ...MODEST, nodeName: 'node-3' } })
  const { code, objects, stderr } = await mesh.create([bound], 'for real')
  assert.equal(code, 1)
  assert.deepEqual(objects, [])
  for (const words of ['ambient: family_by_labels', 'cni: nodes_not_covered', 'init: pod_security'])
    assert.ok(stderr.includes(words), `${words} is not in ${stderr}`)
})

test('what a pod says besides survives the patch, fields of the newest Kubernetes too', async () => {
  const { objects } = await mesh.create(
    [
      pod('sidecars', 'shares', {
        metadata: { annotations: { 'example.com/kept': 'yes' }, finalizers: ['example.com/kept'] },
        spec: { shareProcessNamespace: true, hostUsers: false, resources: { limits: { cpu: '3' } } },
      }),
    ],
    'dry run',
  )
  const [created = {}] = objects
  const spec = objectOr(created['spec'])
  assert.ok(namesOf(created).includes('istio-proxy'))
  const { limits } = objectOr(spec['resources'])
  assert.deepEqual([spec['shareProcessNamespace'], spec['hostUsers'], limits], [true, false, { cpu: '3' }])
  assert.deepEqual(objectOr(created['metadata'])['finalizers'], ['example.com/kept'])
})

test('an injected pod is asked about again, since the API server adds to it, and comes out with what was added', async () => {
  const { objects } = await mesh.create([pod('sidecars', 'again')], 'for real')
  const rounds = Object.entries(mesh.auditOf('sidecars', 'again').annotations ?? {})
    .filter(([key]) => key.startsWith('mutation.webhook.admission.k8s.io/'))
    .map(([key, value]) => [key.split('/')[1]?.slice(0, 7), (JSON.parse(value) as { mutated: boolean }).mutated])
  assert.deepEqual(rounds, [
    ['round_0', true],
    ['round_1', false],
  ])
  const [created = {}] = objects
  for (const { name, container } of containersOf(created))
    assert.ok(
      objectsOf(container['volumeMounts']).some(
        ({ mountPath }) => mountPath === '/var/run/secrets/kubernetes.io/serviceaccount',
      ),
      `${name} has its service account's token`,
    )
})

for (const { what, over, reason } of [
  {
    what: 'its annotation',
    over: { metadata: { annotations: { 'sidecar.istio.io/inject': 'false' } } },
    reason: 'annotation_false',
  },
  {
    what: "Sluice's wish none",
    over: { metadata: { labels: { 'sluice-mesh.io/mode': 'none' } } },
    reason: 'wish_none',
  },
  { what: 'the network of its node', over: { spec: { hostNetwork: true } }, reason: 'host_network' },
  {
    what: 'another operating system',
    over: { spec: { os: { name: 'windows' } } },
    reason: 'os_unsupported',
  },
])
  test(`a pod that stays out by ${what} is left as it is`, async () => {
    const name = reason.replaceAll('_', '-')
    const { objects, warnings, stderr } = await mesh.create([pod('sidecars', name, over)], 'dry run')
    const [first = ''] = warnings
    assert.ok(first.startsWith(`sluice: left alone: ${reason}: `), stderr)
    const [created = {}] = objects
    assert.deepEqual(namesOf(created), ['app'])
    assert.equal(answered('sidecars', name)['reason'], reason)
  })

test('a pod of a namespace that asks for nothing is never asked about', async () => {
  const { objects, warnings } = await mesh.create([pod('plain', 'plain')], 'dry run')
  assert.equal(objects.length, 1)
  assert.deepEqual(warnings, [])
  assert.deepEqual(answered('plain', 'plain'), {})
})
