import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { makeRootfs } from '../../scripts/image/image.ts'
import { writeImage } from '../../scripts/image/oci-image.ts'
import { COMMANDS } from '../../src/app/commands/commands.ts'

const work = mkdtempSync(join(tmpdir(), 'sluice-image-test-'))
after(() => rmSync(work, { recursive: true, force: true }))
const root = join(work, 'rootfs')
makeRootfs(root)

/** Runs a program of the image with nothing else in sight. */
function inside(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('chroot', [root, ...args], {
    encoding: 'utf8',
    env: { PATH: '/usr/sbin:/usr/bin' },
  })
  assert.equal(status, 0, `${args.join(' ')}: ${stderr}`)
  return stdout
}

test('the image runs every command, and what makes rules, with nothing but its own files', () => {
  const help = inside('/usr/bin/node', '/sluice/main.js', '--help')
  for (const { name } of COMMANDS) {
    assert.match(help, new RegExp(`^  ${name} `, 'm'))
    assert.match(inside('/usr/bin/node', '/sluice/main.js', name, '--help'), /Usage: sluice/)
  }
  for (const program of ['nft', 'iptables-nft', 'ip6tables-nft-restore', 'iptables-legacy-save'])
    assert.match(inside(`/usr/sbin/${program}`, '--version'), /v1\./)
})

test('what is loaded by name at run time is found: libnftables, and the threads of the program', () => {
  const netns = `sluice-${process.pid}-image`
  execFileSync('ip', ['netns', 'add', netns])
  try {
    // the program of the image, in this mount namespace: only here are namespaces named
    const args = [join(root, 'sluice/main.js'), 'verify', '--netns', `/run/netns/${netns}`, '-o', 'json']
    const library = readdirSync(join(root, 'usr/lib')).find((name) => name.endsWith('-linux-gnu')) ?? ''
    const { stdout, stderr } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      env: { LD_LIBRARY_PATH: join(root, 'usr/lib', library) },
    })
    assert.match(stdout, /"verdict": "unknown"/, stderr)
  } finally {
    execFileSync('ip', ['netns', 'delete', netns])
  }
})

test('the image holds no shell, no package manager and no set-id file', () => {
  for (const name of ['sh', 'bash', 'dash', 'busybox', 'apt-get', 'dpkg', 'npm'])
    for (const folder of ['usr/bin', 'usr/sbin']) assert.equal(existsSync(join(root, folder, name)), false, name)
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  assert.ok(files.length > 50, `${files.length} files`)
  const setId = files.filter((entry) => (statSync(join(entry.parentPath, entry.name)).mode & 0o6000) !== 0)
  assert.deepEqual(setId, [])
})

test('the same file system gives the same image to the byte', () => {
  const hashes = ['one.tar', 'two.tar'].map((name) => {
    const file = join(work, name)
    writeImage({ reference: 'test.local/sluice:1', root, entrypoint: ['/usr/bin/node'], file })
    const hash = createHash('sha256').update(readFileSync(file)).digest('hex')
    rmSync(file)
    return hash
  })
  assert.equal(hashes[0], hashes[1])
})
