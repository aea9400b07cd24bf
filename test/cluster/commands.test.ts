import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { execute } from '../../scripts/cluster/api-server.ts'
import { buildKubernetes } from '../../scripts/cluster/kubernetes.ts'
import { readObjects } from '../../scripts/demo/examples.ts'
import { COMMANDS } from '../../src/app/commands/commands.ts'
import { runProgram } from '../../src/app/commands/program.ts'
import { type JsonObject, objectOr, objectsOf } from '../../src/core/json/value.ts'
import { type Mesh, startMesh } from './mesh.ts'

const SIDECARS = { 'istio-injection': 'enabled' }

let mesh: Mesh
before(async () => {
  const bounded = { ...SIDECARS, 'sluice-mesh.io/mode': 'init' }
  mesh = await startMesh({ shop: SIDECARS, bounded, plain: {}, foreign: { ...SIDECARS, 'control-plane': 'x' } })
  // the API server makes nodes with it, and a controller that does not run here would take it away
  await mesh.server.kubectl(['taint', 'nodes', '--all', 'node.kubernetes.io/not-ready-'])
  await apply(...readObjects('cluster.yaml').filter(({ kind }) => kind === 'ConfigMap' || kind === 'DaemonSet'))
  const made = await mesh.create(
    [
      pod('shop', 'web'),
      pod('shop', 'legacy', { spec: { nodeSelector: { pool: 'legacy' }, tolerations: [{ operator: 'Exists' }] } }),
      pod('plain', 'bare'),
    ],
    'for real',
  )
  assert.equal(made.code, 0, made.stderr)
})
after(async () => await mesh.stop())

async function apply(...objects: readonly JsonObject[]): Promise<void> {
  const list = { apiVersion: 'v1', kind: 'List', items: objects }
  const { code, stderr } = await mesh.server.kubectl(['apply', '-f', '-'], JSON.stringify(list))
  assert.equal(code, 0, stderr)
}

interface Run {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function sluice(...argv: readonly string[]): Promise<Run> {
  let out = ''
  let err = ''
  const code = await runProgram(
    COMMANDS,
    argv.includes('--kubeconfig') ? argv : [...argv, '--kubeconfig', mesh.server.kubeconfig],
    {
      env: {},
      stdin: async () => await Promise.resolve(JSON.stringify(PIPED)),
      out: (text) => (out += text),
      err: (text) => (err += text),
      terminal: false,
      stop: new AbortController().signal,
    },
  )
  return { code, out, err }
}

async function json(...argv: readonly string[]): Promise<Readonly<Record<string, unknown>>[]> {
  const { out, err } = await sluice(...argv, '-o', 'json')
  const value = JSON.parse(out === '' ? JSON.stringify(err) : out) as unknown
  return (Array.isArray(value) ? value : [value]) as Readonly<Record<string, unknown>>[]
}

function pod(namespace: string, name: string, over: { metadata?: JsonObject; spec?: JsonObject } = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, ...over.metadata },
    spec: { containers: [{ name: 'app', image: 'registry.example/app:1' }], ...over.spec },
  }
}

const nameIn = ({ pod: name }: Readonly<Record<string, unknown>>): string => (typeof name === 'string' ? name : '')

const PIPED = { kind: 'Pod', metadata: { name: 'piped' }, spec: { containers: [{ name: 'a', image: 'a:1' }] } }

test('a live pod is explained: the mode it runs as, who decided, who lost, and which webhook is asked', async () => {
  const { code, out } = await sluice('explain', '-n', 'shop', 'web')
  assert.equal(code, 0)
  for (const line of [
    /decision +mode cni/,
    /runs as +mode cni/,
    /decided by +the namespace's label istio-injection=enabled \(asks for a sidecar\)/,
    /lost +the policy's families \(asks for ambient\)/,
    /asked +namespace\.sluice-mesh\.io of Sluice/,
  ])
    assert.match(out, line)
  assert.doesNotMatch(out, /container istio-proxy/, 'what the injection itself added is no voice')
})

test('a live workload is explained by its template, named as kubectl does', async () => {
  const template = {
    metadata: { labels: { app: 'a' } },
    spec: { containers: [{ name: 'a', image: 'test.local/a:1' }] },
  }
  const spec = { selector: { matchLabels: { app: 'a' } }, template }
  await apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'cart', namespace: 'shop' }, spec })
  for (const words of [['deploy/cart'], ['deployment', 'cart'], ['deployments.apps/cart']]) {
    const [report] = await json('explain', '-n', 'shop', ...words)
    assert.deepEqual([report?.['name'], report?.['mode'], report?.['now']], ['deployment/cart', 'cni', undefined])
  }
  const missing = await sluice('explain', '-n', 'shop', 'deploy/none')
  assert.equal(missing.code, 1)
  assert.match(missing.err, /^error: GET .*deployments\/none: 404 NotFound/)
})

test('a pod that no webhook is asked about is left alone, whatever a decision would say', async () => {
  const [report] = await json('explain', '-n', 'plain', 'bare')
  assert.deepEqual([report?.['mode'], report?.['reason']], ['none', 'not_asked'])
})

test("the live selectors count: another vendor's condition keeps a namespace out, and a second injector is named", async (t) => {
  const read = await mesh.server.kubectl(['get', 'mutatingwebhookconfiguration', 'sluice', '-o', 'json'])
  const written = JSON.parse(read.stdout) as JsonObject
  const replaced = async (webhooks: unknown): Promise<void> => {
    const metadata = { name: 'sluice' }
    const { code, stderr } = await mesh.server.kubectl(
      ['replace', '-f', '-'],
      JSON.stringify({ ...written, metadata, webhooks }),
    )
    assert.equal(code, 0, stderr)
  }
  await replaced(
    objectsOf(written['webhooks']).map((webhook) => {
      const wants = objectsOf(objectOr(webhook['namespaceSelector'])['matchExpressions'])
      const matchExpressions = [...wants, { key: 'control-plane', operator: 'DoesNotExist' }]
      return { ...webhook, namespaceSelector: { matchExpressions } }
    }),
  )
  t.after(async () => await replaced(written['webhooks']))
  const file = ['-f', '-', '-n', 'foreign']
  const [left] = await json('explain', ...file)
  assert.equal(left?.['reason'], 'webhook_excludes_label')
  assert.deepEqual((left['ifAsked'] as { mode: string }).mode, 'cni')
  assert.match(String(left['message']), /control-plane=x on the namespace/)

  const second = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'istio-sidecar-injector' },
    webhooks: [
      {
        name: 'namespace.sidecar-injector.istio.io',
        clientConfig: { url: 'https://127.0.0.1:1/inject' },
        namespaceSelector: { matchLabels: SIDECARS },
        rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
        failurePolicy: 'Ignore',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  }
  await apply(second)
  t.after(async () => await mesh.server.kubectl(['delete', 'mutatingwebhookconfiguration', 'istio-sidecar-injector']))
  const [both] = await json('explain', '-n', 'shop', 'web')
  assert.deepEqual((both?.['findings'] as { reason: string }[])[0]?.reason, 'second_injector')
})

test('every pod of the cluster at once; and only those that today would be made otherwise, with how', async () => {
  const all = await json('explain', '-A')
  const modes = Object.fromEntries(
    all.map((report) => [nameIn(report), [report['now'], report['today'], report['stale']]]),
  )
  assert.deepEqual(modes, {
    'plain/bare': ['none', 'none', false],
    'shop/legacy': ['init', 'init', false],
    'shop/web': ['cni', 'cni', false],
  })
  assert.match((await sluice('explain', '--stale', '-A')).out, /^0 of 3 pods would be made otherwise today/)

  const settings = (tag: string): readonly JsonObject[] =>
    readObjects('cluster.yaml')
      .filter(({ metadata }) => (metadata as JsonObject)['name'] === 'istio-sidecar-injector')
      .map((map) => JSON.parse(JSON.stringify(map).replace('1.32.0', tag)) as JsonObject)
  await apply(...settings('1.32.1'))
  await mesh.server.kubectl(['label', 'node', 'node-3', 'sluice-mesh.io/cni=ready'])
  const { out } = await sluice('explain', '--stale', '-n', 'shop')
  await mesh.server.kubectl(['label', 'node', 'node-3', 'sluice-mesh.io/cni-'])
  await apply(...settings('1.32.0'))
  assert.match(out, /^shop\/legacy: init → cni$/m)
  assert.match(out, /^ {2}- spec\.initContainers\[istio-init\]|~ spec\.initContainers.*istio-validation/m)
  assert.match(out, /^shop\/web: cni → cni$/m)
  assert.match(out, /^ {2}~ spec\.initContainers\[istio-proxy\]\.image "docker.io\/istio\/proxyv2:1\.32\.1"/m)
})

test('the ledger names every container that holds NET_ADMIN, why, since when, and what would take it away; as a plugin of kubectl', async (t) => {
  const containers = [{ name: 'vpn', image: 'test.local/a:1', securityContext: { privileged: true } }]
  const { code } = await mesh.create([pod('plain', 'vpn', { spec: { containers } })], 'for real')
  assert.equal(code, 0)
  t.after(async () => await mesh.server.kubectl(['delete', 'pod', '-n', 'plain', 'vpn', '--force']))
  const rows = await json('audit', '-A')
  assert.deepEqual(
    rows.map((row) => [row['namespace'], row['pod'], row['container'], row['reason'], row['how']]),
    [
      ['plain', 'vpn', 'vpn', 'held_by_spec', 'privileged'],
      ['shop', 'legacy', 'istio-init', 'held_by_init', 'NET_ADMIN'],
    ],
  )
  for (const { since } of rows) assert.match(String(since), /^\d{4}-\d\d-\d\dT/)
  const [, legacy] = rows
  const removal = (legacy?.['removal'] ?? []) as readonly { reason: string }[]
  assert.deepEqual(
    removal.map(({ reason }) => reason),
    ['family_by_labels', 'nodes_not_covered'],
  )

  const kubectl = join(await buildKubernetes(['kubectl']), 'kubectl')
  const path = process.env['PATH'] ?? ''
  process.env['PATH'] = `${resolve('bin')}:${path}`
  t.after(() => (process.env['PATH'] = path))
  const { stdout, stderr } = await execute(kubectl, [
    ...['sluice', 'audit', '-n', 'shop', '-o', 'wide', '--kubeconfig', mesh.server.kubeconfig],
  ])
  assert.match(
    stdout,
    /^shop +legacy +istio-init .* init +NET_ADMIN +held_by_init: .*admitted for init_last_resort$/m,
    stderr,
  )
  assert.match(stdout, /^1 of 2 pods hold NET_ADMIN$/m)
})

/** `check` → `verdict` */
async function verdicts(...argv: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const results = (await json('check', '-n', 'shop', ...argv)) as unknown as readonly {
    check: string
    verdict: string
  }[]
  return Object.fromEntries(results.map(({ check, verdict }) => [check, verdict]))
}

test('a check says what is well, what is not, and that the webhook answers; before an installation it asks for rights', async () => {
  const { code, out } = await sluice('check', '-n', 'shop')
  assert.equal(code, 3, 'there is no boundary here')
  for (const line of [
    /^√ the API server is Kubernetes 1\.30 or newer \(v1\.\d+/m,
    /^√ the webhook answers the API server.* \(the pod would be mode cni\)$/m,
    /^√ every entry carries a CA .*\(valid to 20/m,
    /^× guard, seal and fence are in place and bound\n {4}not there, or bound by nothing: sluice-guard, sluice-seal, sluice-fence\n {4}to do: .*\n {4}see docs\/checks\.md#boundary-policies$/m,
    /^‼ every schedulable Linux node can do cni\n {4}2 of 3 nodes .*; not node-3$/m,
  ])
    assert.match(out, line)
  const before = await verdicts('--pre')
  assert.equal(before['install-rights'], 'ok')
  assert.equal(before['webhook-answers'], undefined)
  const page = readFileSync('docs/checks.md', 'utf8')
  for (const check of Object.keys({ ...before, ...(await verdicts()) }))
    assert.ok(page.includes(`## ${check}\n`), check)
})

test('what kubelets report of their nodes is judged, and what they do not report is unknown', async (t) => {
  const reports = async (node: string, nodeInfo: JsonObject): Promise<void> => {
    const patch = JSON.stringify({ status: { nodeInfo } })
    const { code, stderr } = await mesh.server.kubectl([
      ...['patch', 'node', node, '--subresource=status', '--type=merge', '-p', patch],
    ])
    assert.equal(code, 0, stderr)
  }
  const told = { kernelVersion: '6.1.0-28-amd64', containerRuntimeVersion: 'containerd://1.7.24' }
  await reports('node-1', { ...told, kernelVersion: '4.18.0-553.el8_10.x86_64', osImage: 'Talos (v1.9.1)' })
  await reports('node-2', { ...told, containerRuntimeVersion: 'cri-o://1.28.1' })
  t.after(async () => {
    const nothing = { kernelVersion: '', containerRuntimeVersion: '', osImage: '' }
    for (const node of ['node-1', 'node-2']) await reports(node, nothing)
  })
  const { out } = await sluice('check', '--pre', '-n', 'shop')
  for (const line of [
    /^‼ the kernel of every Linux node .*\n {4}2 of 3 nodes: node-1 \(4\.18\.0-553\S*\), node-3 \(its kernel is not told\)$/m,
    /^‼ every Linux node's runtime .*\n {4}2 of 3 nodes: node-2 \(cri-o:\/\/1\.28\.1\), node-3 \(its runtime is not told\)$/m,
    /^‼ the nodes are of no platform .*\n {4}Talos \(node-1\): label the agent's namespace privileged$/m,
  ])
    assert.match(out, line)
  const after = await verdicts()
  assert.deepEqual([after['node-kernel'], after['node-platform']], ['warning', undefined])
})

test('who may read nothing is told so: unknown, not fine', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-check-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const { stdout: token } = await mesh.server.kubectl(['create', 'token', 'default', '-n', 'plain'])
  const config = JSON.parse(readFileSync(mesh.server.kubeconfig, 'utf8')) as { users: { user: unknown }[] }
  config.users.forEach((user) => (user.user = { token: token.trim() }))
  const file = join(folder, 'config')
  writeFileSync(file, JSON.stringify(config))
  const found = await verdicts('--kubeconfig', file)
  assert.equal(found['read-rights'], 'error')
  for (const check of ['mesh-settings', 'node-coverage', 'webhook-answers'])
    assert.equal(found[check], 'unknown', check)
})

test('a plan says what blocks each namespace, and the API server tries what can move', async (t) => {
  const made = await mesh.create([pod('foreign', 'mover')], 'for real')
  assert.equal(made.code, 0, made.stderr)
  t.after(async () => await mesh.server.kubectl(['delete', 'pod', '-n', 'foreign', 'mover', '--force']))
  const init = await mesh.create([pod('bounded', 'held')], 'for real')
  assert.equal(init.code, 0, init.stderr)
  t.after(async () => await mesh.server.kubectl(['delete', 'pod', '-n', 'bounded', 'held', '--force']))
  const tight = { limits: [{ type: 'Container', max: { cpu: '1m' } }] }
  await apply({ apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'tight', namespace: 'bounded' }, spec: tight })
  const { code, out } = await sluice('plan', '-A', '--dry-run')
  assert.match(
    out,
    /^bounded: 1 init\n {2}to cni \(1 pods\): blocked\n {4}× limit_range_refuses: the LimitRange tight would refuse .*requests\.cpu=\w+ is above its maximum 1m$/m,
  )
  assert.match(out, /^shop: (1 cni, 1 init|1 init, 1 cni)$/m)
  assert.match(
    out,
    /^ {2}to cni \(1 pods\): blocked\n {4}× nodes_not_covered: .*node-3.*\n {6}for shop\/legacy\n {6}to do: /m,
  )
  assert.match(out, /^foreign: 1 cni\n {2}to ambient \(1 pods\): nothing in the way$/m)
  assert.match(out, /^ {2}2\. foreign to ambient\n {5}√ dry run of foreign\/mover: mode ambient$/m)
  assert.match(
    out,
    /^ {5}back: kubectl label namespace foreign --overwrite istio-injection=enabled istio\.io\/dataplane-mode-$/m,
  )
  assert.equal(code, 0)
  assert.deepEqual((await mesh.server.kubectl(['get', 'pods', '-n', 'foreign', '-o', 'name'])).stdout, 'pod/mover\n')
})

test('a plan says how istio-cni leaves node by node; the API server takes the command, and then it is not said again', async (t) => {
  const agent = async (name: string, labels: JsonObject): Promise<void> => {
    const spec = { nodeName: 'node-1', containers: [{ name: 'agent', image: 'test.local/a:1' }] }
    await apply(pod('plain', name, { metadata: { labels }, spec }))
    const status = { status: { conditions: [{ type: 'Ready', status: 'True' }] } }
    const { code, stderr } = await mesh.server.kubectl([
      ...['patch', 'pod', '-n', 'plain', name, '--subresource=status', '--type=merge', '-p', JSON.stringify(status)],
    ])
    assert.equal(code, 0, stderr)
    t.after(async () => await mesh.server.kubectl(['delete', 'pod', '-n', 'plain', name, '--force']))
  }
  const labels = { 'k8s-app': 'istio-cni-node' }
  await agent('theirs', labels)
  const template = { metadata: { labels }, spec: { containers: [{ name: 'install-cni', image: 'test.local/a:1' }] } }
  await apply({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'istio-cni-node', namespace: 'plain', labels },
    spec: { selector: { matchLabels: labels }, template },
  })
  t.after(async () => await mesh.server.kubectl(['delete', 'daemonset', '-n', 'plain', 'istio-cni-node']))
  assert.match((await sluice('plan', '-A')).out, /^ {2}first a ready agent of Sluice on node-1$/m)
  await agent('ours', { 'app.kubernetes.io/name': 'sluice-agent' })
  const { out } = await sluice('plan', '-A')
  assert.match(out, /^ {2}kubectl label node node-1 sluice-mesh\.io\/moved=true$/m)
  const [, patch = ''] =
    /^ {2}once: kubectl -n plain patch daemonset istio-cni-node --type merge -p '(.*)'$/m.exec(out) ?? []
  const patched = await mesh.server.kubectl([
    ...['-n', 'plain', 'patch', 'daemonset', 'istio-cni-node', '--type', 'merge', '-p', patch],
  ])
  assert.equal(patched.code, 0, patched.stderr)
  assert.doesNotMatch((await sluice('plan', '-A')).out, /once: /)
})

test('a bundle holds settings, objects and checks, and no secret; what cannot be read is named', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bundle-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const secret = 's3cr3t-of-the-test'
  const env = [{ name: 'PLAIN', value: secret }]
  const labels = { 'app.kubernetes.io/name': 'sluice-agent' }
  await apply(
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'x', namespace: 'sluice-system' },
      data: { password: `password: ${secret}` },
    },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'x', namespace: 'sluice-system' },
      stringData: { a: secret },
    },
    pod('sluice-system', 'agent', {
      metadata: { labels },
      spec: { nodeName: 'node-1', containers: [{ name: 'agent', image: 'test.local/a:1', env }] },
    }),
  )
  const archive = join(folder, 'b.tar.gz')
  const { code, out, err } = await sluice('bundle', '-n', 'shop', '--to', archive)
  assert.deepEqual([code, err], [0, ''], out)
  await execute('tar', ['-xzf', archive, '-C', folder])
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  for (const file of [
    'check.json',
    'objects/nodes.json',
    'objects/component-pods.json',
    'objects/istio-configmaps.json',
  ])
    assert.ok(files.includes(file), files.join(' '))
  const text = files
    .filter((file) => /\.(json|txt)$/.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('')
  assert.ok(text.includes('"PLAIN"') && text.includes('discoveryAddress'))
  assert.ok(!text.includes(secret))
  assert.match(readFileSync(join(folder, 'problems.txt'), 'utf8'), /^log of agent agent: GET .*\/pods\/agent\/log: /m)
  const again = await sluice('bundle', '-n', 'shop', '--to', archive)
  assert.deepEqual([again.code, /cannot write .*EEXIST/.test(again.err)], [1, true])
})

test('a webhook that is gone is found out, though its registration looks well', async () => {
  await mesh.stopWebhook()
  const found = await verdicts()
  assert.deepEqual([found['webhook-registered'], found['webhook-answers']], ['ok', 'error'])
})
