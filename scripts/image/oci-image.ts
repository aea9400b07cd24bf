import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface ImageOptions {
  /** for example sluice-mesh/sluice:0.1.0 */
  readonly reference: string
  /** the folder that becomes its only layer */
  readonly root: string
  readonly entrypoint: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  /** the archive to write, which `ctr images import` and `docker load` take */
  readonly file: string
}

/** Writes an image of one layer, the same bytes for the same folder: no time and no user of this machine get in. */
export function writeImage({ reference, root, entrypoint, labels = {}, file }: ImageOptions): void {
  const work = mkdtempSync(join(tmpdir(), 'sluice-image-'))
  try {
    const layer = join(work, 'layer.tar')
    tar(['-C', root, '--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0', '-cf', layer, '.'])
    const config = {
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Entrypoint: entrypoint, Env: ['PATH=/usr/sbin:/usr/bin'], Labels: labels },
      rootfs: {
        type: 'layers',
        diff_ids: [`sha256:${createHash('sha256').update(readFileSync(layer)).digest('hex')}`],
      },
    }
    writeFileSync(join(work, 'config.json'), JSON.stringify(config))
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
