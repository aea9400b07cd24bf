/**
 * Runs in a mount namespace of its own, which goes with the process: installs into directories on file systems that fail,
 * and prints what the installer said and what it left, as JSON. Argument: an empty directory.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withEntry } from '../../../src/core/conflist/edit.ts'
import { ENTRY, testNode, type TestNode } from '../../app/agent/installer/node.ts'
import { VENDORS } from '../../core/conflist/vendors.ts'

const CALICO = VENDORS.get('10-calico.conflist') ?? ''
const FILE = '10-calico.conflist'
const [at = ''] = process.argv.slice(2)
const cleanUps: (() => void)[] = []

function node(name: string): TestNode {
  return testNode({ after: (cleanUp: () => void) => cleanUps.push(cleanUp) }, join(at, name))
}

function mount(directory: string, options: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory])
}

function fill(directory: string): void {
  assert.throws(() => {
    for (let block = 0; ; block++) writeFileSync(join(directory, `ballast-${block}`), 'x'.repeat(4096))
  }, /ENOSPC/)
}

function free(directory: string): void {
  for (const file of readdirSync(directory)) if (file.startsWith('ballast')) rmSync(join(directory, file))
}

function listed(directory: string): readonly string[] {
  return readdirSync(directory).filter((file) => !file.startsWith('ballast'))
}

/** the disk is full, and then it is not */
function full(): unknown {
  const one = node('full')
  mount(one.conf, 'size=64k')
  one.write(FILE, CALICO)
  fill(one.conf)
  const installer = one.installer()
  installer.turn()
  const meanwhile = { reason: installer.state().reason, left: listed(one.conf), same: one.read(FILE) === CALICO }
  free(one.conf)
  installer.turn()
  return { ...meanwhile, then: installer.state().ready, done: one.read(FILE) === withEntry(CALICO, ENTRY) }
}

function fullForPlugin(): unknown {
  const one = node('plugin')
  mount(one.bin, 'size=64k')
  one.write(FILE, CALICO)
  writeFileSync(one.source, 'x'.repeat(100_000))
  const installer = one.installer()
  installer.turn()
  return { reason: installer.state().reason, left: listed(one.bin), same: one.read(FILE) === CALICO }
}

function readOnly(): unknown {
  const one = node('read-only')
  mount(one.conf, 'size=64k')
  one.write(FILE, CALICO)
  execFileSync('mount', ['-o', 'remount,ro', one.conf])
  const installer = one.installer()
  installer.turn()
  return { reason: installer.state().reason, left: listed(one.conf), same: one.read(FILE) === CALICO }
}

const said = { full: full(), fullForPlugin: fullForPlugin(), readOnly: readOnly() }
for (const directory of ['full/net.d', 'plugin/bin', 'read-only/net.d']) execFileSync('umount', [join(at, directory)])
for (const cleanUp of cleanUps) cleanUp()
process.stdout.write(JSON.stringify(said))
