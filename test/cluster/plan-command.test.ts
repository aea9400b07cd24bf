import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { JsonObject } from '../../src/core/json/value.ts'
import { type Live, pod, startLive } from './live-commands.ts'

/** \`plan\` against a real API server. */

let live: Live
before(async () => {
  live = await startLive()
})
after(async () => await live.mesh.stop())

test('a plan says what blocks each namespace, and the API server tries what can move', async (t) => {
  const made = await live.mesh.create([pod('foreign', 'mover')], 'for real')
  assert.equal(made.code, 0, made.stderr)
  t.after(async () => await live.mesh.server.kubectl(['delete', 'pod', '-n', 'foreign', 'mover', '--force']))
  const init = await live.mesh.create([pod('bounded', 'held')], 'for real')
  assert.equal(init.code, 0, init.stderr)
  t.after(async () => await live.mesh.server.kubectl(['delete', 'pod', '-n', 'bounded', 'held', '--force']))
  const tight = { limits: [{ type: 'Container', max: { cpu: '1m' } }] }
  await live.apply({
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata: { name: 'tight', namespace: 'bounded' },
    spec: tight,
  })
  const { code, out } = await live.sluice('plan', '-A', '--dry-run')
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
  assert.deepEqual(
    (await live.mesh.server.kubectl(['get', 'pods', '-n', 'foreign', '-o', 'name'])).stdout,
    'pod/mover\n',
  )
})

test('a plan says how istio-cni leaves node by node; the API server takes the command, and then it is not said again', async (t) => {
  const agent = async (name: string, labels: JsonObject): Promise<void> => {
    const spec = { nodeName: 'node-1', containers: [{ name: 'agent', image: 'test.local/a:1' }] }
    await live.apply(pod('plain', name, { metadata: { labels }, spec }))
    const status = { status: { conditions: [{ type: 'Ready', status: 'True' }] } }
    const { code, stderr } = await live.mesh.server.kubectl([
      ...['patch', 'pod', '-n', 'plain', name, '--subresource=status', '--type=merge', '-p', JSON.stringify(status)],
    ])
    assert.equal(code, 0, stderr)
    t.after(async () => await live.mesh.server.kubectl(['delete', 'pod', '-n', 'plain', name, '--force']))
  }
  const labels = { 'k8s-app': 'istio-cni-node' }
  await agent('theirs', labels)
  const template = { metadata: { labels }, spec: { containers: [{ name: 'install-cni', image: 'test.local/a:1' }] } }
  await live.apply({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'istio-cni-node', namespace: 'plain', labels },
    spec: { selector: { matchLabels: labels }, template },
  })
  t.after(async () => await live.mesh.server.kubectl(['delete', 'daemonset', '-n', 'plain', 'istio-cni-node']))
  assert.match((await live.sluice('plan', '-A')).out, /^ {2}first a ready agent of Sluice on node-1$/m)
  await agent('ours', { 'app.kubernetes.io/name': 'sluice-agent' })
  const { out } = await live.sluice('plan', '-A')
  assert.match(out, /^ {2}kubectl label node node-1 sluice-mesh\.io\/moved=true$/m)
  const [, patch = ''] =
    /^ {2}once: kubectl -n plain patch daemonset istio-cni-node --type merge -p '(.*)'$/m.exec(out) ?? []
  const patched = await live.mesh.server.kubectl([
    ...['-n', 'plain', 'patch', 'daemonset', 'istio-cni-node', '--type', 'merge', '-p', patch],
  ])
  assert.equal(patched.code, 0, patched.stderr)
  assert.doesNotMatch((await live.sluice('plan', '-A')).out, /once: /)
})
