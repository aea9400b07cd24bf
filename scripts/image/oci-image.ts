import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface ImageConfig {
  readonly entrypoint: readonly string[]
  /** arguments where nobody gives others */
  readonly cmd?: readonly string[]
  /** as whom it runs where nobody says otherwise; root where this is not told */
  readonly user?: string
  readonly path?: string
  readonly labels?: Readonly<Record<string, string>>
}

export interface ImageOptions extends ImageConfig {
  /** for example sluice-mesh/sluice:0.1.0 */
  readonly reference: string
  /** the folder that becomes its only layer */
  readonly root: string
  /** the archive to write, which `ctr images import` and `docker load` take */
  readonly file: string
}

/** Writes an image of one layer, the same bytes for the same folder: no time and no user of this machine get in. */
export function writeImage({ reference, root, file, ...config }: ImageOptions): void {
  const { entrypoint, cmd = [], user = '', path = '/usr/sbin:/usr/bin', labels = {} } = config
  const work = mkdtempSync(join(tmpdir(), 'sluice-image-'))
  try {
    const layer = join(work, 'layer.tar')
    tar(['-C', root, '--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0', '-cf', layer, '.'])
    const described = {
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Entrypoint: entrypoint, Cmd: cmd, User: user, Env: [`PATH=${path}`], Labels: labels },
      rootfs: {
        type: 'layers',
        diff_ids: [`sha256:${createHash('sha256').update(readFileSync(layer)).digest('hex')}`],
      },
    }
    writeFileSync(join(work, 'config.json'), JSON.stringify(described))
    const manifest = [{ Config: 'config.json', RepoTags: [reference], Layers: ['layer.tar'] }]
    writeFileSync(join(work, 'manifest.json'), JSON.stringify(manifest))
    tar(['-C', work, '--mtime=@0', '-cf', file, 'manifest.json', 'config.json', 'layer.tar'])
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function tar(args: readonly string[]): void {
  const { status, stderr, error } = spawnSync('tar', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`tar: ${error?.message ?? stderr.trim()}`)
}
