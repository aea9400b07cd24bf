import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { after, test } from 'node:test'
import { makeRootfs } from '../../scripts/image/image.ts'
import { writeImage } from '../../scripts/image/oci-image.ts'
import { type Backend, BACKENDS } from '../../src/edge/host/apply.ts'
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
  assert.match(inside('/usr/bin/nsenter', '--version'), /util-linux/)
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

/** What the chart gives the agent, by how rules are made. */
const RIGHTS = ['sys_admin', 'net_admin', 'setuid', 'setgid']
const MORE_RIGHTS: Readonly<Partial<Record<Backend, readonly string[]>>> = { 'iptables-legacy': ['net_raw'] }
/** In namespaces of its own, so that nothing is left: the folders that a container has, then the agent with these rights alone. */
const AGENT = `set -e
ip link set lo up
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/run"
printf 'apiVersion: v1\\nkind: List\\nitems: []\\n' >"$1/run/objects.yaml"
exec setpriv --bounding-set "-all,+sys_chroot,$3" --inh-caps -all chroot "$1" /usr/bin/node /sluice/main.js agent \\
  --node-name node --objects /run/objects.yaml --health-listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 --backend "$2"`

/** What the agent of the image says of its self-test. */
async function selfTest(backend: Backend, rights: readonly string[]): Promise<string> {
  const capabilities = rights.map((one) => `+${one}`).join()
  const args = [
    '--mount',
    '--net',
    '--pid',
    '--fork',
    '--kill-child',
    'sh',
    '-c',
    AGENT,
    'sh',
    root,
    backend,
    capabilities,
  ]
  const child = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  try {
    let text = ''
    for await (const part of child.stdout) {
      text += String(part)
      const line = text.split('\n').find((one) => /"backend":|"reason":/.test(one))
      if (line !== undefined) return line
    }
    return text
  } finally {
    child.kill('SIGKILL')
  }
}

for (const backend of BACKENDS)
  test(`traffic follows rules that the image makes by ${backend}, with the rights that the chart gives`, async () => {
    const said = await selfTest(backend, [...RIGHTS, ...(MORE_RIGHTS[backend] ?? [])])
    assert.match(said, new RegExp(`"backend":"${backend}"`))
  })

test('iptables-legacy without NET_RAW is refused in words that say so', async () => {
  assert.match(await selfTest('iptables-legacy', RIGHTS), /"backend_absent".*lacks the capability NET_RAW/)
})

test('the image holds no shell, no package manager and no set-id file', () => {
  for (const name of ['sh', 'bash', 'dash', 'busybox', 'apt-get', 'dpkg', 'npm'])
    for (const folder of ['usr/bin', 'usr/sbin']) assert.equal(existsSync(join(root, folder, name)), false, name)
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  assert.ok(files.length > 50, `${files.length} files`)
  const setId = files.filter((entry) => (statSync(join(entry.parentPath, entry.name)).mode & 0o6000) !== 0)
  assert.deepEqual(setId, [])
})

test('every link of the image leads to something in it', () => {
  const links = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isSymbolicLink())
  assert.ok(links.length > 12, `${links.length} links`)
  for (const { parentPath, name } of links) {
    const target = readlinkSync(join(parentPath, name))
    assert.ok(!isAbsolute(target) && existsSync(join(parentPath, target)), `${name} leads to ${target}`)
  }
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
