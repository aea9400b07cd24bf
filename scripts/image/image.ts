/**
 * `npm run image [-- --root DIR] [--archive FILE]`: the root file system of the image, and an archive of it that container
 * runtimes import. Nothing is pulled: Node comes from the lock file, the rest from Debian's packages and this repository.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { FetchError } from '../cache.ts'
import { buildPlugin } from '../plugin.ts'
import { type ImageConfig, writeImage } from './oci-image.ts'
import { assembleRootfs } from './rootfs.ts'

/**
 * Young objects get 12 MiB instead of 48, and old ones a fifth more than they need: a busy process keeps for good what it once had
 * (docs/performance.md).
 */
const ENTRYPOINT = ['/usr/bin/node', '--max-semi-space-size=4', '--heap-growing-percent=20', '/sluice/main.js']

/** What a runtime is told of the image; the Dockerfile says the same. */
export function imageConfig(): ImageConfig {
  return { entrypoint: ENTRYPOINT, cmd: ['--help'], user: '65532:65532', path: '/usr/sbin:/usr/bin', labels: labels() }
}

/** Assembles the root file system in the folder `root`, which must be empty or not there. */
export function makeRootfs(root: string): void {
  mkdirSync(root, { recursive: true })
  if (readdirSync(root).length > 0) throw new FetchError(`${root} is not empty`)
  const dist = mkdtempSync(join(tmpdir(), 'sluice-dist-'))
  try {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/build.ts', dist], { encoding: 'utf8' })
    if (status !== 0) throw new FetchError(`the bundle cannot be made: ${stderr.trim()}`)
    assembleRootfs(root, { dist, node: nodeBinary(), plugin: buildPlugin() })
  } finally {
    rmSync(dist, { recursive: true, force: true })
  }
}

/** Writes the image `reference` of the root file system to the archive `file`. */
export function makeImage(reference: string, file: string): void {
  const root = mkdtempSync(join(tmpdir(), 'sluice-rootfs-'))
  try {
    makeRootfs(root)
    writeImage({ reference, root, ...imageConfig(), file })
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

function labels(): Readonly<Record<string, string>> {
  const { version, description, license } = packageJson()
  const title = 'org.opencontainers.image'
  return {
    [`${title}.title`]: 'sluice',
    [`${title}.description`]: description,
    [`${title}.version`]: version,
    [`${title}.licenses`]: license,
  }
}

function packageJson(): { readonly version: string; readonly description: string; readonly license: string } {
  return JSON.parse(readFileSync('package.json', 'utf8')) as ReturnType<typeof packageJson>
}

function nodeBinary(): string {
  return join('node_modules', `node-linux-${process.arch}`, 'bin/node')
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { root: { type: 'string' }, archive: { type: 'string' } } })
  const { root, archive } = values
  try {
    if (root !== undefined) makeRootfs(root)
    if (archive !== undefined) makeImage(`sluice-mesh/sluice:${packageJson().version}`, archive)
    process.stdout.write(
      [root, archive]
        .filter((name) => name !== undefined)
        .map((name) => `written: ${name}\n`)
        .join(''),
    )
  } catch (error) {
    if (!(error instanceof FetchError)) throw error
    process.stderr.write(`error: ${error.message}\n`)
    process.exitCode = 1
  }
}
