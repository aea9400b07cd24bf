import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Installer, InstallerOptions } from '../../../../src/app/agent/installer/installer.ts'
import { DirectoryWatch } from '../../../../src/edge/files/watch-directories.ts'
import { withEntry } from '../../../../src/core/conflist/edit.ts'
import { VENDORS } from '../../../core/conflist/vendors.ts'
import { ENTRY, testNode, type TestNode } from './node.ts'

const CALICO = VENDORS.get('10-calico.conflist') ?? ''
const FILE = '10-calico.conflist'
const HOUR = 3_600_000

function run(t: TestContext, node: TestNode, options?: Partial<InstallerOptions>): Installer {
  const stop = new AbortController()
  const installer = node.installer(options)
  const running = installer.run(stop.signal)
  t.after(async () => {
    stop.abort()
    await running
    assert.deepEqual(node.errors, [])
  })
  return installer
}

/** Ends by the condition, or when the time of the test is over. */
async function until({ signal }: TestContext, holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5, undefined, { signal })
}

const LIMIT = { timeout: 60_000 }

test(
  'the watch alone is enough: a primary that appears, and one that is written anew, get the entry',
  LIMIT,
  async (t) => {
    const node = testNode(t)
    const installer = run(t, node, { everyMs: HOUR })
    assert.equal(installer.state().reason.code, 'cni_config_absent')
    node.write(FILE, CALICO)
    await until(t, () => installer.state().ready)
    writeFileSync(join(node.conf, 'new'), CALICO)
    renameSync(join(node.conf, 'new'), join(node.conf, FILE))
    await until(t, () => node.read(FILE) === withEntry(CALICO, ENTRY))
    rmSync(node.plugin)
    await until(t, () => node.events.at(-1)?.file === node.plugin && installer.state().ready)
  },
)

test('comparing alone is enough: the directory is removed and made anew, which no watch survives', LIMIT, async (t) => {
  const node = testNode(t)
  node.write(FILE, CALICO)
  const installer = run(t, node)
  await until(t, () => installer.state().ready)
  rmSync(node.conf, { recursive: true })
  await until(t, () => !installer.state().ready)
  mkdirSync(node.conf)
  node.write(FILE, CALICO)
  await until(t, () => installer.state().ready)
  assert.equal(node.read(FILE), withEntry(CALICO, ENTRY))
})

test('a directory that was made anew is watched again', LIMIT, async (t) => {
  const node = testNode(t)
  let changes = 0
  const watch = new DirectoryWatch([node.conf], () => changes++)
  t.after(() => watch.close())
  renameSync(node.conf, `${node.conf}.old`)
  mkdirSync(node.conf)
  watch.renew()
  await sleep(200)
  changes = 0
  node.write(FILE, CALICO)
  await until(t, () => changes > 0)
})

/** Reads two files without a pause; says how often each was missing or neither of its versions. */
const READER = `
const { readFileSync } = require('node:fs')
const [conf, plugin] = process.argv.slice(1)
let reads = 0, bad = []
const look = (path, good) => { try { const text = readFileSync(path, 'utf8'); if (!good(text)) bad.push(path + ': ' + text.slice(-80)) } catch (error) { bad.push(String(error)) } }
const turn = () => {
  for (let i = 0; i < 50; i++) { reads++; look(plugin, (text) => /^version \\d+ x{100000}$/.test(text)); look(conf, (text) => { try { return JSON.parse(text).plugins.length >= 2 } catch { return false } }) }
  setImmediate(turn)
}
process.stdin.on('end', () => { console.log(JSON.stringify({ reads, bad: bad.slice(0, 5) })); process.exit() }).resume()
console.log('ready'); turn()
`

test('upgrades and repairs leave no moment without a whole plugin and a whole configuration', LIMIT, async (t) => {
  const node = testNode(t)
  const version = (number: number): void => writeFileSync(node.source, `version ${number} ${'x'.repeat(100_000)}`)
  version(0)
  node.write(FILE, CALICO)
  node.installer().turn()
  const reader = spawn(process.execPath, ['-e', READER, join(node.conf, FILE), node.plugin])
  const said: string[] = []
  reader.stdout.on('data', (chunk: Buffer) => said.push(String(chunk)))
  await until(t, () => said.join('').includes('ready'))
  for (let round = 1; round <= 40; round++) {
    version(round)
    node.installer({ entry: { ...ENTRY, socket: `/run/${round}.sock` } }).turn()
    await sleep(1)
  }
  reader.stdin.end()
  await new Promise((resolve) => reader.on('close', resolve))
  const { reads, bad } = JSON.parse(said.join('').replace('ready', '')) as { reads: number; bad: string[] }
  assert.ok(reads > 0)
  assert.deepEqual(bad, [])
  assert.equal(node.read(FILE), withEntry(CALICO, { ...ENTRY, socket: '/run/40.sock' }))
})
