import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { execute } from '../../scripts/cluster/api-server.ts'
import { type JsonObject, objectOr } from '../../src/core/json/value.ts'
import { type Live, pod, startLive } from './live-commands.ts'
import { until } from './mesh.ts'

/** \`check\` and \`bundle\` against a real API server. */

let live: Live
before(async () => {
  live = await startLive()
})
after(async () => await live.mesh.stop())

/** `check` → `verdict` */
async function verdicts(...argv: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const results = (await live.json('check', '-n', 'shop', ...argv)) as unknown as readonly {
    check: string
    verdict: string
  }[]
  return Object.fromEntries(results.map(({ check, verdict }) => [check, verdict]))
}

test('a check says what is well, what is not, and that the webhook answers; before an installation it asks for rights', async () => {
  const { code, out } = await live.sluice('check', '-n', 'shop')
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
  assert.deepEqual([before['install-rights'], before['istio-namespace']], ['ok', 'ok'])
  assert.equal(before['webhook-answers'], undefined)
  const page = readFileSync('docs/checks.md', 'utf8')
  for (const check of Object.keys({ ...before, ...(await verdicts()) }))
    assert.ok(page.includes(`## ${check}\n`), check)
})

test('what kubelets report of their nodes is judged, and what they do not report is unknown', async (t) => {
  const reports = async (node: string, nodeInfo: JsonObject): Promise<void> => {
    const patch = JSON.stringify({ status: { nodeInfo } })
    const { code, stderr } = await live.mesh.server.kubectl([
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
  const { out } = await live.sluice('check', '--pre', '-n', 'shop')
  for (const line of [
    /^‼ the kernel of every Linux node .*\n {4}2 of 3 nodes: node-1 \(4\.18\.0-553\S*\), node-3 \(its kernel is not told\)$/m,
    /^‼ every Linux node's runtime .*\n {4}2 of 3 nodes: node-2 \(cri-o:\/\/1\.28\.1\), node-3 \(its runtime is not told\)$/m,
    /^‼ the nodes are of no platform .*\n {4}Talos \(node-1\): label the agent's namespace privileged$/m,
  ])
    assert.match(out, line)
  const after = await verdicts()
  assert.deepEqual([after['node-kernel'], after['node-platform']], ['warning', undefined])
})

test('the own pods are tried where they will be: what refuses one, and by which field, is told', async (t) => {
  const own = async (...argv: readonly string[]): Promise<string> => {
    const all = (await live.json('check', '--pre', ...argv)) as readonly Readonly<Record<string, string>>[]
    const { verdict = '', detail = '' } = all.find(({ check }) => check === 'own-pods-admitted') ?? {}
    return `${verdict}: ${detail}`
  }
  const label = async (namespace: string, level: string): Promise<void> => {
    const set = level === '' ? 'pod-security.kubernetes.io/enforce-' : `pod-security.kubernetes.io/enforce=${level}`
    const { code, stderr } = await live.mesh.server.kubectl(['label', '--overwrite', 'namespace', namespace, set])
    assert.equal(code, 0, stderr)
  }
  t.after(async () => {
    for (const namespace of ['sluice-system', 'shop', 'plain']) await label(namespace, '')
  })
  assert.equal(await own(), 'ok: in sluice-system')
  await label('sluice-system', 'baseline')
  assert.match(
    await own(),
    /^error: the agent's pod is refused in sluice-system: violates PodSecurity "baseline:latest": (?=.*host namespaces \(hostNetwork=true\))(?=.*"SYS_ADMIN")(?=.*hostPath volumes \(volumes "cni-bin")[^;]*$/,
  )
  await label('sluice-system', 'restricted')
  await label('plain', 'privileged')
  assert.equal(await own('--agent-namespace', 'plain'), 'ok: in sluice-system, in plain')
  // an agent that is there shows where by itself
  const moved = async (from: string, to: string): Promise<void> => {
    const { stdout } = await live.mesh.server.kubectl(['get', 'daemonset', '-n', from, 'sluice-agent', '-o', 'json'])
    const { apiVersion, kind, metadata, spec } = JSON.parse(stdout) as JsonObject
    await live.mesh.server.kubectl(['delete', 'daemonset', '-n', from, 'sluice-agent'])
    const labels = objectOr(metadata)['labels']
    await live.apply({ apiVersion, kind, metadata: { name: 'sluice-agent', namespace: to, labels }, spec })
  }
  await moved('sluice-system', 'plain')
  assert.equal(await own(), 'ok: in sluice-system, in plain')
  await moved('plain', 'sluice-system')
  // what is not there is tried where the default of the cluster decides, too
  assert.equal(
    await own('--sluice-namespace', 'later', '--agent-namespace', 'later', '-n', 'shop'),
    'ok: in shop, which like a new namespace later has no level of Pod Security of its own',
  )
  await label('shop', 'baseline')
  assert.match(
    await own('--sluice-namespace', 'later', '-n', 'shop'),
    /^unknown: there is no namespace later, and a dry run/,
  )
  const group = 'admissionregistration.k8s.io/v1'
  const pods = { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }
  const expression = '!object.spec.?volumes.orValue([]).exists(volume, has(volume.hostPath))'
  await live.apply(
    {
      ...{ apiVersion: group, kind: 'ValidatingAdmissionPolicy', metadata: { name: 'no-host-paths' } },
      spec: {
        matchConstraints: { resourceRules: [pods] },
        validations: [{ expression, message: 'no host paths here' }],
      },
    },
    {
      ...{ apiVersion: group, kind: 'ValidatingAdmissionPolicyBinding', metadata: { name: 'no-host-paths' } },
      spec: { policyName: 'no-host-paths', validationActions: ['Deny'] },
    },
  )
  t.after(async () => {
    for (const kind of ['validatingadmissionpolicybinding', 'validatingadmissionpolicy'])
      await live.mesh.server.kubectl(['delete', kind, 'no-host-paths'])
  })
  const said = await until('the policy is in force', async () => {
    const text = await own('--agent-namespace', 'plain')
    return text.startsWith('ok') ? undefined : text
  })
  assert.match(
    said,
    /^error: the agent's pod is refused in plain: ValidatingAdmissionPolicy 'no-host-paths'.*no host paths here$/,
  )
})

test('who may read nothing is told so: unknown, not fine', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-check-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const { stdout: token } = await live.mesh.server.kubectl(['create', 'token', 'default', '-n', 'plain'])
  const config = JSON.parse(readFileSync(live.mesh.server.kubeconfig, 'utf8')) as { users: { user: unknown }[] }
  config.users.forEach((user) => (user.user = { token: token.trim() }))
  const file = join(folder, 'config')
  writeFileSync(file, JSON.stringify(config))
  const found = await verdicts('--kubeconfig', file)
  assert.equal(found['read-rights'], 'error')
  for (const check of ['mesh-settings', 'node-coverage', 'webhook-answers', 'own-pods-admitted'])
    assert.equal(found[check], 'unknown', check)
})

test('the pod of the dry run is made in the namespace of the kubeconfig, where none is named', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-where-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const config = JSON.parse(readFileSync(live.mesh.server.kubeconfig, 'utf8')) as {
    contexts: { context: { namespace?: string } }[]
  }
  for (const { context } of config.contexts) context.namespace = 'sluice-system'
  const file = join(folder, 'config')
  writeFileSync(file, JSON.stringify(config))
  const answer = async (...argv: readonly string[]): Promise<unknown> => {
    const all = await live.json('check', ...argv, '--kubeconfig', file)
    return all.find(({ check }) => check === 'webhook-answers')?.['detail']
  }
  const never = 'the webhook is never asked about pods in sluice-system: name another namespace by -n'
  assert.equal(await answer(), never)
  assert.equal(await answer('-n', 'shop'), 'the pod would be mode cni')
  const to = join(folder, 'bundle')
  await live.sluice('bundle', '--to', to, '--kubeconfig', file)
  assert.ok(readFileSync(join(to, 'check.json'), 'utf8').includes(never))
})

test('a bundle holds settings, objects and checks, and no secret; what cannot be read is named', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bundle-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const secret = 's3cr3t-of-the-test'
  const env = [{ name: 'PLAIN', value: secret }]
  const labels = { 'app.kubernetes.io/name': 'sluice-agent' }
  await live.apply(
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
  const { code, out, err } = await live.sluice('bundle', '-n', 'shop', '--to', archive)
  assert.deepEqual([code, err], [0, '1 thing could not be read; problems.txt says which, and why\n'], out)
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
  const again = await live.sluice('bundle', '-n', 'shop', '--to', archive)
  assert.deepEqual([again.code, /cannot write .*: it is there already/.test(again.err)], [1, true])
})

test('a webhook that is gone is found out, though its registration looks well', async () => {
  await live.mesh.stopWebhook()
  const found = await verdicts()
  assert.deepEqual([found['webhook-registered'], found['webhook-answers']], ['ok', 'error'])
})
