/** The images of a test node: the pause process and test pods, and Sluice itself as it runs in a DaemonSet. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { FetchError, fetchWith } from '../cache.ts'
import { netnsTools } from '../netns-tools.ts'
import { buildPlugin } from '../plugin.ts'
import { copyWithLibraries, writeImage } from './images.ts'

const ROOT = join(import.meta.dirname, '../..')
export const BOX_IMAGE = 'test.local/box:1'
export const SLUICE_IMAGE = 'test.local/sluice:1'
const PAUSE_IMAGE = 'test.local/pause:1'

/** Writes every image into `folder`, from where a node imports them when it starts. */
export function addImages(folder: string): void {
  inFolder((root) => {
    const source = join(import.meta.dirname, 'node/box/main.go')
    const env = { ...process.env, CGO_ENABLED: '0' }
    const args = ['build', '-trimpath', '-ldflags', '-s -w', '-o', join(root, 'box'), source]
    const { status, error, stderr } = spawnSync('go', args, { env, encoding: 'utf8' })
    if (status !== 0) throw new FetchError(error?.message ?? stderr.trim())
    writeImage(PAUSE_IMAGE, root, join(folder, 'pause.tar'), ['/box'])
    writeImage(BOX_IMAGE, root, join(folder, 'box.tar'), ['/box'])
  })
  inFolder((root) => {
    fillSluice(root)
    writeImage(SLUICE_IMAGE, root, join(folder, 'sluice.tar'), ['/node', '/sluice/src/main.ts', 'agent'])
  })
}

/** Node, Sluice's sources with the libraries that run, libnftables with its neighbours, nft and iptables, and the plugin. */
function fillSluice(root: string): void {
  const tools = netnsTools()
  copyWithLibraries(root, [process.execPath])
  cpSync(process.execPath, join(root, 'node'))
  rmSync(join(root, process.execPath))
  cpSync(join(ROOT, 'src'), join(root, 'sluice/src'), { recursive: true })
  copyFileSync(join(ROOT, 'package.json'), join(root, 'sluice/package.json'))
  for (const folder of productionPackages())
    cpSync(join(ROOT, folder), join(root, 'sluice', folder), { recursive: true })
  cpSync(join(tools.root, 'usr'), join(root, 'usr'), { recursive: true, verbatimSymlinks: true })
  copyWithLibraries(
    root,
    readdirSync(tools.programs)
      .filter((name) => name.startsWith('xtables'))
      .map((name) => join(tools.programs, name)),
    tools.env,
  )
  const plugin = join(root, 'opt/sluice/cni/sluice-cni')
  mkdirSync(dirname(plugin), { recursive: true })
  copyFileSync(buildPlugin(), plugin)
  for (const folder of ['run', 'tmp', 'proc', 'var/run', 'etc']) mkdirSync(join(root, folder), { recursive: true })
}

/** What `npm ci --omit=dev` would put there, without the Node that the lock file brings for development. */
function productionPackages(): readonly string[] {
  const listed = fetchWith('npm', ['ls', '--omit=dev', '--all', '--parseable'], ROOT)
  return listed
    .trim()
    .split('\n')
    .map((path) => path.slice(ROOT.length + 1))
    .filter((path) => path.startsWith('node_modules/') && !path.startsWith('node_modules/node-linux-'))
}

function inFolder(work: (root: string) => void): void {
  const root = mkdtempSync(join(tmpdir(), 'sluice-root-'))
  try {
    work(root)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
