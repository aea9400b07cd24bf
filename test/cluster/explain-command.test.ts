import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { execute } from '../../scripts/cluster/api-server.ts'
import { kubeconfig } from '../../scripts/cluster/credentials.ts'
import { buildKubernetes } from '../../scripts/cluster/kubernetes.ts'
import { readObjects } from '../../scripts/demo/examples.ts'
import { type JsonObject, objectOr, objectsOf } from '../../src/core/json/value.ts'
import type { Run } from '../app/commands/run-sluice.ts'
import { type Live, pod, SIDECARS, startLive } from './live-commands.ts'
import { until } from './mesh.ts'

/** \`explain\` and \`audit\` about what runs on a real API server. */

let live: Live
before(async () => {
  live = await startLive()
})
after(async () => await live.mesh.stop())

const nameIn = ({ pod: name }: Readonly<Record<string, unknown>>): string => (typeof name === 'string' ? name : '')

test('a live pod is explained: the mode it runs as, who decided, who lost, and which webhook is asked', async () => {
  const { code, out } = await live.sluice('explain', '-n', 'shop', 'web')
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
  await live.apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'cart', namespace: 'shop' }, spec })
  for (const words of [['deploy/cart'], ['deployment', 'cart'], ['deployments.apps/cart']]) {
    const [report] = await live.json('explain', '-n', 'shop', ...words)
    assert.deepEqual([report?.['name'], report?.['mode'], report?.['now']], ['deployment/cart', 'cni', undefined])
  }
  const missing = await live.sluice('explain', '-n', 'shop', 'deploy/none')
  assert.equal(missing.code, 1)
  assert.equal(missing.err, 'error: there is no deployment none in the namespace shop\n')
})

test('a namespace that is not there is an error of every command that looks at pods: nothing found is not nothing wrong', async () => {
  for (const command of ['explain', 'status', 'audit', 'plan']) {
    const { code, out, err } = await live.sluice(command, '-n', 'nowhere')
    assert.deepEqual([code, out, err], [1, '', 'error: there is no namespace nowhere\n'], command)
    assert.deepEqual([command, (await live.sluice(command, '-n', '../x')).code], [command, 2])
  }
})

test("-l takes kubectl's selectors, and one that cannot be read is said to be so", async () => {
  const labelled = { metadata: { name: 'labelled', namespace: 'plain', labels: { tier: 'edge' } } }
  assert.equal((await live.mesh.create([pod('plain', 'labelled', labelled)], 'for real')).code, 0)
  try {
    assert.deepEqual((await live.json('explain', '-A', '-l', 'tier in (edge)')).map(nameIn), ['plain/labelled'])
    assert.match((await live.sluice('audit', '-A', '-l', 'tier=edge')).out, /^0 of 1 pods/m)
    assert.match((await live.sluice('audit', '-A', '-l', '!tier')).out, /^1 of 3 pods/m)
  } finally {
    await live.mesh.server.kubectl(['delete', 'pod', '-n', 'plain', 'labelled', '--force'])
  }
  const wrong = await live.sluice('status', '-A', '-l', 'tier===')
  assert.deepEqual([wrong.code, wrong.out], [1, ''])
  assert.match(wrong.err, /400 BadRequest: unable to parse requirement/)
})

test('a team with rights in its namespace alone sees how its pods stand, by the labels that they carry; the rest says what is missing', async () => {
  const { server } = live.mesh
  const running = { phase: 'Running', podIP: '10.0.0.7' }
  const admin = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await server.kubectl(['-n', 'shop', ...args])
    assert.equal(code, 0, stderr)
    return stdout.trim()
  }
  await admin('patch', 'pod', 'web', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status: running }))
  await admin('create', 'serviceaccount', 'team')
  // what the role `view` gives, which a controller puts together that does not run here
  await admin('create', 'role', 'team', '--verb=get,list', '--resource=pods,namespaces')
  await admin('create', 'rolebinding', 'team', '--role=team', '--serviceaccount=shop:team')
  const token = await admin('create', 'token', 'team')
  const file = join(server.directory, 'team.conf')
  const mine = JSON.parse(kubeconfig(server.url, server.ca, { token })) as { contexts: { context: object }[] }
  const contexts = mine.contexts.map((row) => ({ ...row, context: { ...row.context, namespace: 'shop' } }))
  await writeFile(file, JSON.stringify({ ...mine, contexts }))
  const asTeam = async (...argv: readonly string[]): Promise<Run> => await live.sluice(...argv, '--kubeconfig', file)
  await until('the rights of the team', async () => ((await asTeam('status')).code === 1 ? undefined : true))
  const own = await asTeam('status', '-l', '!tier')
  assert.equal(own.code, 4, own.err)
  assert.match(own.out, /^shop +web +cni +unknown +never +not_measured$/m)
  for (const argv of [['status', '-A'], ['audit'], ['explain', 'web']]) {
    const { code, err } = await asTeam(...argv)
    assert.equal(code, 1)
    assert.match(err, /403 Forbidden: .*; sluice check lists every right that is missing\n$/)
  }
})

test('a pod that no webhook is asked about is left alone, whatever a decision would say', async () => {
  const [report] = await live.json('explain', '-n', 'plain', 'bare')
  assert.deepEqual([report?.['mode'], report?.['reason']], ['none', 'not_asked'])
})

test("the live selectors count: another vendor's condition keeps a namespace out, and a second injector is named", async (t) => {
  const read = await live.mesh.server.kubectl(['get', 'mutatingwebhookconfiguration', 'sluice', '-o', 'json'])
  const written = JSON.parse(read.stdout) as JsonObject
  const replaced = async (webhooks: unknown): Promise<void> => {
    const metadata = { name: 'sluice' }
    const { code, stderr } = await live.mesh.server.kubectl(
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
  const [left] = await live.json('explain', ...file)
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
  await live.apply(second)
  t.after(
    async () => await live.mesh.server.kubectl(['delete', 'mutatingwebhookconfiguration', 'istio-sidecar-injector']),
  )
  const [both] = await live.json('explain', '-n', 'shop', 'web')
  assert.deepEqual((both?.['findings'] as { reason: string }[])[0]?.reason, 'second_injector')
})

test('every pod of the cluster at once; and only those that today would be made otherwise, with how', async () => {
  const all = await live.json('explain', '-A')
  const modes = Object.fromEntries(
    all.map((report) => [nameIn(report), [report['now'], report['today'], report['stale']]]),
  )
  assert.deepEqual(modes, {
    'plain/bare': ['none', 'none', false],
    'shop/legacy': ['init', 'init', false],
    'shop/web': ['cni', 'cni', false],
  })
  assert.match((await live.sluice('explain', '--stale', '-A')).out, /^0 of 3 pods would be made otherwise today/)

  const settings = (tag: string): readonly JsonObject[] =>
    readObjects('cluster.yaml')
      .filter(({ metadata }) => (metadata as JsonObject)['name'] === 'istio-sidecar-injector')
      .map((map) => JSON.parse(JSON.stringify(map).replace('1.32.0', tag)) as JsonObject)
  await live.apply(...settings('1.32.1'))
  await live.mesh.server.kubectl(['label', 'node', 'node-3', 'sluice-mesh.io/cni=ready'])
  const { out } = await live.sluice('explain', '--stale', '-n', 'shop')
  await live.mesh.server.kubectl(['label', 'node', 'node-3', 'sluice-mesh.io/cni-'])
  await live.apply(...settings('1.32.0'))
  assert.match(out, /^shop\/legacy: init → cni$/m)
  assert.match(out, /^ {2}- spec\.initContainers\[istio-init\]|~ spec\.initContainers.*istio-validation/m)
  assert.match(out, /^shop\/web: cni → cni$/m)
  assert.match(out, /^ {2}~ spec\.initContainers\[istio-proxy\]\.image "docker.io\/istio\/proxyv2:1\.32\.1"/m)
})

test('the ledger names every container that holds NET_ADMIN, why, since when, and what would take it away; as a plugin of kubectl', async (t) => {
  const containers = [{ name: 'vpn', image: 'test.local/a:1', securityContext: { privileged: true } }]
  const { code } = await live.mesh.create([pod('plain', 'vpn', { spec: { containers } })], 'for real')
  assert.equal(code, 0)
  t.after(async () => await live.mesh.server.kubectl(['delete', 'pod', '-n', 'plain', 'vpn', '--force']))
  const rows = await live.json('audit', '-A')
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
    ...['sluice', 'audit', '-n', 'shop', '-o', 'wide', '--kubeconfig', live.mesh.server.kubeconfig],
  ])
  assert.match(
    stdout,
    /^shop +legacy +istio-init .* init +NET_ADMIN +held_by_init: .*admitted for init_last_resort$/m,
    stderr,
  )
  assert.match(stdout, /^1 of 2 pods hold NET_ADMIN$/m)
})
