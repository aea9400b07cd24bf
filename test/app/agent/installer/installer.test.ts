import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  lstatSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { applySteps, readDirectory } from '../../../../src/app/agent/installer/directory.ts'
import { markUninstalled, markerOf } from '../../../../src/app/agent/installer/uninstalled.ts'
import { withEntry, withoutEntries } from '../../../../src/core/conflist/edit.ts'
import { sentence } from '../../../../src/core/vocabulary/reasons.ts'
import { VENDORS } from '../../../core/conflist/vendors.ts'
import { ENTRY, stamps, testNode } from './node.ts'

const CALICO = VENDORS.get('10-calico.conflist') ?? ''
const FILE = '10-calico.conflist'
const DONE = withEntry(CALICO, ENTRY)

test('plugin and entry are put in place, and a second look writes nothing', (t) => {
  const node = testNode(t)
  node.write(FILE, CALICO)
  node.installer().turn()
  assert.deepEqual(node.files(), { [FILE]: DONE })
  assert.equal(readFileSync(node.plugin, 'utf8'), 'the plugin, version 1')
  assert.equal(statSync(node.plugin).mode & 0o7777, 0o755)
  const before = stamps(node.conf, node.bin)
  const again = node.installer()
  again.turn()
  again.turn()
  assert.deepEqual(again.state(), {
    ready: true,
    reason: { code: 'cni_in_place', args: { file: FILE } },
    file: FILE,
    warnings: [],
  })
  assert.deepEqual(stamps(node.conf, node.bin), before)
})

test('mode and owner of the file are kept, and a link of the owner stays a link', (t) => {
  const node = testNode(t)
  const real = join(node.conf, 'real')
  writeFileSync(real, CALICO)
  chmodSync(real, 0o640)
  if (process.getuid?.() === 0) chownSync(real, 1234, 5678)
  const owner = statSync(real)
  symlinkSync('real', join(node.conf, FILE))
  node.installer().turn()
  const { mode, uid, gid } = statSync(real)
  assert.deepEqual({ mode, uid, gid }, { mode: owner.mode, uid: owner.uid, gid: owner.gid })
  assert.equal(readFileSync(real, 'utf8'), DONE)
  assert.equal(lstatSync(join(node.conf, FILE)).isSymbolicLink(), true)
})

test('bytes that are no UTF-8 come back as they were', (t) => {
  const node = testNode(t)
  const bytes = Buffer.from(CALICO.replace('"Info"', '"\u00ff\u00c3"'), 'latin1')
  writeFileSync(join(node.conf, FILE), bytes)
  node.installer().turn()
  const after = readFileSync(join(node.conf, FILE))
  assert.deepEqual(Buffer.from(withoutEntries(after.toString('latin1'), 'sluice-cni'), 'latin1'), bytes)
})

test('what goes wrong and what was done is told in the names of the node, also in the words of the kernel', (t) => {
  const node = testNode(t)
  const nodeNames = [
    { here: node.conf, onNode: '/etc/cni/net.d' },
    { here: node.bin, onNode: '/home/kubernetes/bin' },
  ]
  const installer = node.installer({ nodeNames })
  const told = (): string => {
    installer.turn()
    return sentence(installer.state().reason)
  }
  assert.match(told(), /^\/etc\/cni\/net\.d holds no CNI configuration/)
  assert.deepEqual(
    node.events.map(({ file }) => file),
    ['/home/kubernetes/bin/sluice-cni'],
  )
  assert.match(readFileSync(node.history, 'utf8'), /"file":"\/home\/kubernetes\/bin\/sluice-cni"/)
  rmSync(node.bin, { recursive: true })
  assert.equal(
    told().replace(/unfinished-\w+/, 'unfinished-N'),
    "the plugin cannot be put at /home/kubernetes/bin/sluice-cni: ENOENT: no such file or directory, open '/home/kubernetes/bin/.sluice-cni.unfinished-N'",
  )
  mkdirSync(node.bin)
  rmSync(node.conf, { recursive: true })
  assert.match(told(), /^\/etc\/cni\/net\.d holds no .*the directory is not there/)
  writeFileSync(node.conf, '')
  assert.match(told(), /^the CNI configuration in \/etc\/cni\/net\.d cannot be read: ENOTDIR.* '\/etc\/cni\/net\.d'/)
})

test('without a primary configuration nothing is written: no file, bad ones, none of the directory', (t) => {
  for (const files of [{}, { [FILE]: '' }, { [FILE]: '{ "name": "x", "plug' }, { README: 'x', 'x.conf': '{}' }]) {
    const node = testNode(t)
    for (const [file, text] of Object.entries(files)) node.write(file, text)
    const installer = node.installer()
    installer.turn()
    assert.deepEqual([installer.state().ready, installer.state().reason.code], [false, 'cni_config_absent'])
    assert.deepEqual(node.files(), files)
  }
  const node = testNode(t)
  rmSync(node.conf, { recursive: true })
  const installer = node.installer()
  installer.turn()
  assert.equal(installer.state().reason.code, 'cni_config_absent')
  writeFileSync(node.conf, 'no directory')
  installer.turn()
  assert.equal(installer.state().reason.code, 'cni_directory_unreadable')
})

test('a pipe, a folder and a huge file under the name of a configuration hold nothing up', (t) => {
  const node = testNode(t)
  mkdirSync(join(node.conf, '00-folder.conflist'))
  execFileSync('mkfifo', [join(node.conf, '00-pipe.conf')])
  writeFileSync(join(node.conf, '01-huge.conflist'), ' '.repeat(3 << 20))
  node.write(FILE, CALICO)
  const installer = node.installer()
  installer.turn()
  assert.equal(installer.state().file, FILE)
})

test('without an executable there is no entry, which would fail every pod', (t) => {
  const node = testNode(t)
  node.write(FILE, CALICO)
  rmSync(node.source)
  const installer = node.installer()
  installer.turn()
  assert.equal(installer.state().reason.code, 'cni_plugin_failed')
  assert.deepEqual(node.files(), { [FILE]: CALICO })
})

test('who rewrites the file is followed and written down', (t) => {
  const node = testNode(t)
  node.write(FILE, CALICO)
  const installer = node.installer()
  installer.turn()
  const newer = CALICO.replace('"Info"', '"Debug"')
  node.write(FILE, newer)
  installer.turn()
  assert.deepEqual(node.files(), { [FILE]: withEntry(newer, ENTRY) })
  const [, , last] = installer.history
  assert.deepEqual(
    { ...last, changedAt: typeof last?.changedAt, uid: last?.uid === process.getuid?.() },
    {
      at: '2026-01-02T03:04:05.000Z',
      what: 'repaired',
      file: FILE,
      cause: 'no-entry',
      changedAt: 'string',
      uid: true,
      mainPlugin: 'calico',
    },
  )
  assert.deepEqual(node.events, installer.history)
  assert.deepEqual(node.installer().history, installer.history, 'another agent knows it too')
})

test('a file of another vendor that comes to sort first gets the entry, and the old one loses it', (t) => {
  const node = testNode(t)
  node.write(FILE, CALICO)
  const installer = node.installer()
  installer.turn()
  const cilium = VENDORS.get('05-cilium.conflist') ?? ''
  node.write('05-cilium.conflist', cilium)
  installer.turn()
  assert.deepEqual(node.files(), { '05-cilium.conflist': withEntry(cilium, ENTRY), [FILE]: CALICO })
  assert.equal(installer.state().file, '05-cilium.conflist')
})

test('a fight is an alarm: after some repairs the file is left alone until they are a while ago, also by the next agent', (t) => {
  const node = testNode(t)
  node.write(FILE, CALICO)
  const installer = node.installer()
  installer.turn()
  for (let round = 0; round < 5; round++) {
    node.write(FILE, CALICO)
    installer.turn()
    assert.equal(installer.state().ready, true, `round ${round}`)
  }
  node.write(FILE, CALICO)
  for (const one of [installer, node.installer()]) {
    one.turn()
    assert.equal(one.state().reason.code, 'cni_config_fight')
    assert.match(JSON.stringify(one.state().reason.args), /5,.*calico/)
    assert.deepEqual(node.files(), { [FILE]: CALICO })
  }
  node.now = new Date(node.now.getTime() + 10 * 60_000)
  installer.turn()
  assert.equal(installer.state().ready, true)
})

test('another plugin under our name is replaced in one step; whoever runs the old one keeps it', (t) => {
  const node = testNode(t)
  node.write(FILE, CALICO)
  node.installer().turn()
  const before = statSync(node.plugin).ino
  writeFileSync(node.source, 'the plugin, version 2')
  const installer = node.installer()
  installer.turn()
  assert.equal(readFileSync(node.plugin, 'utf8'), 'the plugin, version 2')
  assert.notEqual(statSync(node.plugin).ino, before)
  assert.deepEqual(
    installer.history.map(({ what, cause }) => `${what} ${cause}`),
    ['installed no-file', 'installed no-entry', 'installed binary'],
  )
  writeFileSync(node.plugin, 'somebody else’s')
  chmodSync(node.plugin, 0o700)
  installer.turn()
  assert.equal(statSync(node.plugin).mode & 0o7777, 0o755)
  assert.equal(installer.history.at(-1)?.what, 'repaired')
})

test('an agent with other settings brings its entry up to date, which is no repair', (t) => {
  const node = testNode(t)
  node.write(FILE, CALICO)
  node.installer().turn()
  const entry = { ...ENTRY, socket: '/elsewhere.sock' }
  node.installer({ entry }).turn()
  assert.deepEqual(node.files(), { [FILE]: withEntry(CALICO, entry) })
  assert.equal(
    node.events.some(({ what }) => what === 'repaired'),
    false,
  )
})

test('a file that somebody wrote after it was read is not overwritten', (t) => {
  const node = testNode(t)
  node.write(FILE, CALICO)
  const before = readDirectory(node.conf, [])
  const newer = CALICO.replace('"Info"', '"Debug"')
  node.write(FILE, newer)
  const steps = [{ do: 'write', file: FILE, text: DONE, like: FILE }] as const
  assert.equal(applySteps(node.conf, steps, before), false)
  assert.equal(applySteps(node.conf, [{ do: 'remove', file: FILE, text: CALICO }], before), false)
  assert.deepEqual(node.files(), { [FILE]: newer })
})

test('what a crash left half-written is cleared away, and nothing of others', async (t) => {
  const node = testNode(t)
  node.write(FILE, CALICO)
  const theirs = '.calico-kubeconfig.unfinished-0123456789ab'
  for (const file of [`.${FILE}.unfinished-0123456789ab`, theirs]) node.write(file, '{')
  writeFileSync(join(node.bin, '.sluice-cni.unfinished-0123456789ab'), 'x')
  const stop = new AbortController()
  const running = node.installer().run(stop.signal)
  stop.abort()
  await running
  assert.deepEqual(Object.keys(node.files()).sort(), [theirs, FILE])
  assert.deepEqual(
    stamps(node.bin).map((line) => line.split(' ')[0]),
    ['sluice-cni'],
  )
})

test('after an uninstall nothing is installed for a while, what others bring back goes again, and then it is over', (t) => {
  const node = testNode(t)
  node.write(FILE, CALICO)
  const installer = node.installer()
  installer.turn()
  markUninstalled(node.plugin, node.now)
  installer.turn()
  assert.deepEqual(node.files(), { [FILE]: CALICO })
  assert.equal(installer.state().reason.code, 'cni_uninstalled')
  node.write(FILE, DONE)
  node.installer().turn()
  assert.deepEqual(node.files(), { [FILE]: CALICO })
  node.now = new Date(node.now.getTime() + 16 * 60_000)
  installer.turn()
  assert.equal(installer.state().ready, true)
  assert.equal(statSync(markerOf(node.plugin), { throwIfNoEntry: false }), undefined)
})

test('a mark from a clock that was set back since does not keep an agent out', (t) => {
  const node = testNode(t)
  node.write(FILE, CALICO)
  markUninstalled(node.plugin, new Date(node.now.getTime() + 3600_000))
  const installer = node.installer()
  installer.turn()
  assert.equal(installer.state().ready, true)
})

test('what Cilium set aside is a warning', (t) => {
  const node = testNode(t)
  node.write('05-cilium.conflist', VENDORS.get('05-cilium.conflist') ?? '')
  node.write('10-calico.conflist.cilium_bak', CALICO)
  const installer = node.installer()
  installer.turn()
  assert.deepEqual(installer.state().warnings, [{ code: 'cni_config_exclusive', args: { file: FILE } }])
  assert.equal(installer.state().ready, true)
})
