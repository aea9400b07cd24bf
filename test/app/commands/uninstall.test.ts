import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { markerOf } from '../../../src/app/agent/installer/uninstalled.ts'
import type { FlagValues } from '../../../src/app/commands/command.ts'
import { uninstallCommand } from '../../../src/app/commands/uninstall.ts'
import { VENDORS } from '../../core/conflist/vendors.ts'
import { testNode, type TestNode } from '../agent/installer/node.ts'

const CALICO = VENDORS.get('10-calico.conflist') ?? ''
const FILE = '10-calico.conflist'

interface Node extends TestNode {
  readonly cache: string
  readonly record: (containerId: string, config: string, more?: object) => void
  readonly uninstall: (flags?: FlagValues) => Promise<{ readonly exit: string; readonly out: string }>
}

function installedNode(t: TestContext): Node {
  const node = testNode(t)
  node.write(FILE, CALICO)
  node.installer({ now: () => new Date() }).turn()
  const cache = join(dirname(node.conf), 'cache')
  mkdirSync(join(cache, 'results'), { recursive: true })
  return {
    ...node,
    cache,
    record: (containerId, config, more = {}) => {
      const kept = { kind: 'cniCacheV1', containerId, config: Buffer.from(config).toString('base64'), ...more }
      writeFileSync(join(cache, 'results', `k8s-pod-network-${containerId}-eth0`), JSON.stringify(kept))
    },
    uninstall: async (more = {}) => {
      let out = ''
      const places = { 'cni-bin-dir': node.bin, 'cni-conf-dir': node.conf, 'cni-cache-dir': cache }
      const flags = { ...places, 'netns-dir': join(dirname(node.conf), 'netns'), output: 'text', ...more }
      const io = { env: {}, stdin: async () => Promise.resolve(''), err: () => undefined }
      const stop = new AbortController().signal
      const exit = await uninstallCommand.run(flags, [], { ...io, stop, out: (text) => (out += text) })
      return { exit, out }
    },
  }
}

test('with no sandbox left that was made with it, everything but the mark goes, and an agent that still runs stays away', async (t) => {
  const node = installedNode(t)
  const { exit, out } = await node.uninstall()
  assert.equal(exit, 'ok')
  assert.match(out, /entry {4}taken out: 10-calico\.conflist\nplugin .* is removed\nleft {5}a mark/)
  assert.deepEqual(node.files(), { [FILE]: CALICO })
  assert.equal(existsSync(node.plugin), false)
  const agent = node.installer({ now: () => new Date() })
  agent.turn()
  assert.deepEqual([agent.state().reason.code, existsSync(node.plugin)], ['cni_uninstalled', false])
})

test('what is left is named as the node names it, and so is what cannot be done', async (t) => {
  const node = installedNode(t)
  const names = { 'node-cni-bin-dir': '/home/kubernetes/bin', 'node-cni-conf-dir': '/etc/cni/net.d' }
  node.record('a1', node.read(FILE))
  assert.match((await node.uninstall(names)).out, /plugin {3}\/home\/kubernetes\/bin\/sluice-cni stays/)
  rmSync(node.conf, { recursive: true })
  writeFileSync(node.conf, '')
  await assert.rejects(node.uninstall(names), /ENOTDIR: not a directory, scandir '\/etc\/cni\/net\.d'/)
})

test('the plugin stays until the last sandbox that was made with it is gone', async (t) => {
  const node = installedNode(t)
  node.record('a1', node.read(FILE))
  node.record('b2', CALICO)
  const first = await node.uninstall()
  assert.equal(first.exit, 'partial')
  assert.match(first.out, /stays, and lets everything pass[^]*sandbox a1: it was made with the plugin/)
  assert.doesNotMatch(first.out, /b2/)
  assert.deepEqual([node.read(FILE), existsSync(node.plugin), existsSync(markerOf(node.plugin))], [CALICO, true, true])
  rmSync(join(node.cache, 'results/k8s-pod-network-a1-eth0'))
  const second = await node.uninstall()
  assert.match(second.out, /entry {4}is in no configuration\nplugin .* is removed/)
  assert.equal(second.exit, 'ok')
})

test('a record that cannot be read counts, and one whose namespace is gone does not', async (t) => {
  const node = installedNode(t)
  node.record('gone', node.read(FILE), { netns: '/var/run/netns/gone' })
  assert.equal((await node.uninstall()).exit, 'ok')
  const other = installedNode(t)
  writeFileSync(join(other.cache, 'results/odd'), '{ half')
  const { exit, out } = await other.uninstall()
  assert.equal(exit, 'partial')
  assert.match(out, /sandbox odd: its record cannot be read/)
})

test('namespaces are looked for where this process has them, and a cache that is not there leaves the plugin', async (t) => {
  const node = installedNode(t)
  const netns = join(dirname(node.conf), 'netns')
  mkdirSync(netns)
  writeFileSync(join(netns, 'cni-1'), '')
  node.record('a1', node.read(FILE), { netns: '/var/run/netns/cni-1' })
  assert.equal((await node.uninstall()).exit, 'partial')
  rmSync(node.cache, { recursive: true })
  await assert.rejects(node.uninstall(), /cache is not there, so nobody knows which sandboxes need the plugin/)
  assert.equal(existsSync(node.plugin), true)
})

test('a folder that is named and not there is a failure, and no uninstall', async (t) => {
  const node = installedNode(t)
  const before = node.files()
  for (const name of ['cni-bin-dir', 'cni-conf-dir'])
    await assert.rejects(node.uninstall({ [name]: join(node.conf, 'nowhere') }), {
      name: 'CommandFailure',
      message: new RegExp(`^--${name} is .*nowhere, which is not there; nothing was taken off this node$`),
    })
  assert.deepEqual(node.files(), before)
})

test('on a node that never had it there is nothing to do, and nothing is left', async (t) => {
  const node = installedNode(t)
  for (const directory of [node.bin, node.conf, node.cache]) rmSync(directory, { recursive: true })
  for (const directory of [node.bin, node.conf]) mkdirSync(directory)
  const { exit, out } = await node.uninstall()
  assert.equal(exit, 'ok')
  assert.match(out, /entry {4}is in no configuration\nplugin .* is not there\n$/)
})
