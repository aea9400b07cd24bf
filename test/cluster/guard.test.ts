import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createNamespace } from '../../scripts/cluster/api-server.ts'
import { type JsonObject, objectOr, objectsOf, stringMap } from '../../src/core/json/value.ts'
import { applied, boundary, policyTold, refusals } from './boundary.ts'
import { type Mesh, startMesh, until } from './mesh.ts'

const AMBIENT = { 'istio.io/dataplane-mode': 'ambient' }
const SIDECARS = { 'istio-injection': 'enabled' }
/** What the webhook knows of; the tests share it. */
const NAMESPACES = { sidecars: SIDECARS, ambient: AMBIENT, plain: {}, denied: { ...SIDECARS, 'opt-out': 'denied' } }

let mesh: Mesh
before(async () => {
  mesh = await startMesh(NAMESPACES)
  await boundary(mesh.server, ['guard'])
})
after(async () => await mesh.stop())

interface Over {
  readonly labels?: JsonObject
  readonly annotations?: JsonObject
  readonly spec?: JsonObject
}

function pod(namespace: string, name: string, { labels = {}, annotations = {}, spec }: Over = {}): JsonObject {
  const containers = [{ name: 'app', image: 'registry.example/app:1' }]
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels, annotations },
    spec: { containers, ...spec },
  }
}

const GATEWAY: Over = {
  annotations: { 'inject.istio.io/templates': 'gateway' },
  spec: { containers: [{ name: 'istio-proxy', image: 'auto' }] },
}

/** Everything that an author can ask for in an ordinary cluster. */
const PODS: Readonly<Record<string, Over>> = {
  ordinary: {},
  gateway: GATEWAY,
  proxyless: { annotations: { 'inject.istio.io/templates': 'grpc-agent' } },
  'proxyless-simple': { annotations: { 'inject.istio.io/templates': 'grpc-simple' } },
  'no-interception': { annotations: { 'sidecar.istio.io/interceptionMode': 'NONE' } },
  'old-sidecar': { annotations: { 'sidecar.istio.io/nativeSidecar': 'false' } },
  'wish-init': { labels: { 'sluice-mesh.io/mode': 'init' } },
  'wish-ambient': { labels: { 'sluice-mesh.io/mode': 'ambient' } },
  'wish-none': { labels: { 'sluice-mesh.io/mode': 'none' } },
  'label-false': { labels: { 'sidecar.istio.io/inject': 'false' } },
  'annotation-false': { annotations: { 'sidecar.istio.io/inject': 'false' } },
  'no-ambient': { labels: { 'istio.io/dataplane-mode': 'none' } },
  'host-network': { spec: { hostNetwork: true } },
  windows: { spec: { os: { name: 'windows' } } },
}

const kinds = (namespace: string): readonly JsonObject[] =>
  Object.entries(PODS).map(([name, over]) => pod(namespace, name, over))

/** Waits until the guard counts: with the webhook up it refuses nothing but what the webhook let be changed behind its back. */
async function guardInEffect(): Promise<void> {
  await until('the guard refuses a pod that nobody injected', async () => {
    // a revision that no webhook serves here, but the guard's selectors do not know that
    const { stderr } = await mesh.create([unseen('probe')], 'dry run')
    return stderr.includes('guard_no_evidence') ? true : undefined
  })
}

/** Selected by the guard alone: in the registration that this test narrows, the webhook is not asked about it. */
const unseen = (name: string): JsonObject => pod('unseen', name)

test('with the webhook up, the guard lets pass whatever the webhook let pass', async () => {
  // the webhook's registration leaves this one namespace out, which shows that the guard is in force
  await createNamespace(mesh.server, 'unseen', SIDECARS)
  await narrowWebhook()
  await guardInEffect()
  for (const namespace of ['sidecars', 'ambient', 'plain']) {
    const { stderr, objects } = await mesh.create(kinds(namespace), 'dry run')
    assert.equal(objects.length, Object.keys(PODS).length, stderr)
    assert.doesNotMatch(stderr, /Error/)
  }
})

async function narrowWebhook(): Promise<void> {
  const found = await mesh.server.kubectl(['get', 'mutatingwebhookconfiguration', 'sluice', '-o', 'json'])
  const configuration = JSON.parse(found.stdout) as {
    webhooks: { namespaceSelector: { matchExpressions: object[] } }[]
  }
  for (const { namespaceSelector } of configuration.webhooks)
    namespaceSelector.matchExpressions.push({
      key: 'kubernetes.io/metadata.name',
      operator: 'NotIn',
      values: ['unseen'],
    })
  await applied(mesh.server, [configuration as unknown as JsonObject])
}

test('a pod that istiod injected passes: its spec shows it, and its status says so', async () => {
  const { objects } = await mesh.create([pod('sidecars', 'istiods')], 'dry run')
  const [injected = {}] = objects
  const annotations = Object.entries(stringMap(objectOr(injected['metadata'])['annotations']))
  const byIstiod = Object.fromEntries(annotations.filter(([key]) => !key.startsWith('sluice-mesh.io/')))
  const spec = injected['spec'] ?? {}
  const asked = [
    { ...pod('unseen', 'whole', { annotations: byIstiod }), spec },
    { ...pod('unseen', 'bare', { annotations: {} }), spec },
    pod('unseen', 'only-says-so', { annotations: { ...byIstiod, 'sluice-mesh.io/decided': 'cni' } }),
    pod('unseen', 'says-none', { annotations: { 'sluice-mesh.io/decided': 'none' } }),
    pod('unseen', 'says-ambient', { annotations: { 'sluice-mesh.io/decided': 'ambient' } }),
  ]
  const refused = refusals((await mesh.create(asked, 'dry run')).stderr)
  assert.deepEqual([...refused.keys()], ['bare', 'only-says-so', 'says-none', 'says-ambient'])
})

test('a pod from which somebody behind the webhook took what makes its sidecar native, or the sidecar, is refused', async () => {
  const { objects } = await mesh.create([pod('sidecars', 'native')], 'dry run')
  const [native = {}] = objects
  const annotations = objectOr(objectOr(native['metadata'])['annotations'])
  const spec = objectOr(native['spec'])
  const inits = objectsOf(spec['initContainers'])
  assert.equal(inits.find(({ name }) => name === 'istio-proxy')?.['restartPolicy'], 'Always')
  const again = async (name: string, initContainers: readonly JsonObject[]): Promise<string> => {
    const asked = { ...pod('unseen', name, { annotations }), spec: { ...spec, initContainers } }
    return (await mesh.create([asked], 'dry run')).stderr
  }
  assert.doesNotMatch(await again('whole', inits), /Forbidden|Error/)
  const robbed = inits.map((container) =>
    Object.fromEntries(Object.entries(container).filter(([field]) => field !== 'restartPolicy')),
  )
  // by the API server's own rules: a pod whose init container never ends would hang without a word
  assert.match(
    await again('robbed', robbed),
    /Forbidden: may not be set for init containers without restartPolicy=Always/,
  )
  const without = inits.filter(({ name }) => name !== 'istio-proxy')
  assert.match(await again('taken', without), /guard_no_evidence: .* or another one behind it took the sidecar out/)
})

test('where the policy denies opting out, a pod that the webhook is never asked about is refused, too', async () => {
  const policy = policyTold()
  const denied = { ...objectOr(policy['data']), 'guard.default.optOut': 'deny opt-out=denied|never other!=*\nallow' }
  await applied(mesh.server, [{ ...policy, data: denied }])
  const wanted = ['label-false', 'annotation-false', 'wish-none']
  const outs = wanted.map((name) => pod('denied', name, PODS[name]))
  const refused = await until('the guard takes the new keys', async () => {
    const found = refusals((await mesh.create(outs, 'dry run')).stderr)
    return found.size === wanted.length ? found : undefined
  })
  assert.deepEqual([...refused.keys()], wanted)
  assert.match(
    refused.get('label-false') ?? '',
    /sluice: opt_out_denied: the pod's label sidecar.istio.io\/inject=false opts out.*; to do: remove the label/,
  )
  const { objects } = await mesh.create(kinds('sidecars'), 'dry run')
  assert.equal(objects.length, Object.keys(PODS).length, 'the rule is of one namespace')
  await applied(mesh.server, [policyTold()])
})

test('with the webhook down, namespaces that ask for the mesh refuse what was missed and say what to do; nothing else is hindered', async () => {
  await mesh.stopWebhook()
  const free = ['wish-none', 'label-false', 'annotation-false', 'host-network', 'windows']
  const refusedIn = async (namespace: string): Promise<ReadonlyMap<string, string>> =>
    refusals((await mesh.create(kinds(namespace), 'for real')).stderr)
  const sidecars = await refusedIn('sidecars')
  assert.deepEqual(
    [...sidecars.keys()],
    Object.keys(PODS).filter((name) => !free.includes(name)),
  )
  for (const why of sidecars.values())
    assert.match(
      why,
      /'sluice-guard' with binding 'sluice-guard\.namespace' denied request: sluice: guard_no_evidence: .*; to do: see why sluice-webhook/,
    )
  const ambient = await refusedIn('ambient')
  // a pod that wants no sidecar may still be ambient
  const noAmbient = ['wish-none', 'no-ambient', 'host-network', 'windows']
  assert.deepEqual(
    [...ambient.keys()],
    Object.keys(PODS).filter((name) => !noAmbient.includes(name)),
  )
  // on their own, these two ask for the mesh where nobody else does
  assert.deepEqual([...(await refusedIn('plain')).keys()], ['wish-init', 'wish-ambient'])
  await mesh.create([pod('sidecars', 'audited')], 'for real')
  const { annotations } = mesh.auditOf('sidecars', 'audited')
  const audit = JSON.stringify(annotations)
  assert.match(
    audit,
    /failed-open\.mutation\.webhook\.admission\.k8s\.io\/round_0_index_\d+":"namespace\.sluice-mesh\.io/,
  )
  assert.match(audit, /validation\.policy\.admission\.k8s\.io\/validation_failure.*sluice-guard/)
  // what the alerts SluiceFailOpen and SluiceGuardDenials go by
  const { stdout: metrics } = await mesh.server.kubectl(['get', '--raw', '/metrics'])
  assert.match(
    metrics,
    /^apiserver_admission_webhook_fail_open_count\{name="namespace\.sluice-mesh\.io",type="admit"\} [1-9]/m,
  )
  assert.match(
    metrics,
    /^apiserver_validating_admission_policy_check_total\{enforcement_action="deny",error_type="[^"]*",policy="sluice-guard",policy_binding="[^"]*"\} [1-9]/m,
  )
})

test('with the webhook down, the namespaces that a cluster needs to start take every pod, whatever their labels say', async () => {
  for (const namespace of ['kube-system', 'kube-node-lease', 'kube-public', 'sluice-system']) {
    await createNamespace(mesh.server, namespace, { ...SIDECARS, 'sluice-mesh.io/mode': 'auto' })
    const { code, stderr } = await mesh.create([pod(namespace, 'coredns', { labels: AMBIENT })], 'for real')
    assert.equal(code, 0, stderr)
  }
})

test('the mirror of a static pod passes when its node sends it, and is no way out for anybody else', async () => {
  const mirror = pod('sidecars', 'mirror', {
    annotations: { 'kubernetes.io/config.mirror': 'abc' },
    spec: { nodeName: 'node-1' },
  })
  const asked = (...as: string[]): Promise<{ stderr: string }> =>
    mesh.server.kubectl(['create', '--dry-run=server', ...as, '-f', '-'], JSON.stringify(mirror))
  assert.match((await asked()).stderr, /guard_no_evidence/)
  const byNode = await asked(
    '--as=system:serviceaccount:sidecars:default',
    '--as-group=system:masters',
    '--as-group=system:nodes',
  )
  assert.equal(byNode.stderr, '')
})

test('a guard without its parameter refuses, rather than to pass for one that is satisfied', async () => {
  await mesh.server.kubectl(['delete', 'configmap', 'sluice-policy', '-n', 'sluice-system'])
  await until('the guard misses its parameter', async () => {
    const { stderr } = await mesh.create([pod('sidecars', 'label-false', PODS['label-false'])], 'dry run')
    return /no params found|parameterNotFoundAction/.test(stderr) ? true : undefined
  })
  assert.deepEqual((await mesh.create([pod('plain', 'other')], 'dry run')).stderr, '')
  const policy = policyTold()
  await applied(mesh.server, [{ ...policy, data: { policy: '{}' } }])
  await until('the guard finds a parameter without keys', async () => {
    const { stderr } = await mesh.create([pod('sidecars', 'label-false', PODS['label-false'])], 'dry run')
    return stderr.includes('guard_unconfigured') ? true : undefined
  })
})
