/** Images without a registry or a builder: files and the libraries they need, as one layer, for `ctr images import`. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fetchWith } from '../cache.ts'
import { ownArchitecture } from '../plugin.ts'

/** Copies programs and libraries into `root`, at the same paths, with the shared libraries that they need. */
export function copyWithLibraries(
  root: string,
  files: readonly string[],
  env: Readonly<Record<string, string>> = {},
): void {
  for (const file of files) {
    const { stdout } = spawnSync('ldd', [file], { encoding: 'utf8', env: { ...process.env, ...env } })
    const libraries = [...stdout.matchAll(/(?:=> |^\t)(\/\S+) \(/gm)].map(([, path = '']) => path)
    for (const path of [file, ...libraries]) {
      mkdirSync(join(root, dirname(path)), { recursive: true })
      copyFileSync(path, join(root, path))
    }
  }
}

/** Writes the image `reference` with the files of `root` to `file`. */
export function writeImage(reference: string, root: string, file: string, command: readonly string[]): void {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-image-'))
  try {
    const sorted = ['--sort=name', '--owner=0', '--group=0', '--mtime=@0']
    fetchWith('tar', ['-C', root, ...sorted, '-cf', join(folder, 'layer.tar'), '.'], folder)
    const digest = createHash('sha256')
      .update(readFileSync(join(folder, 'layer.tar')))
      .digest('hex')
    const config = {
      architecture: ownArchitecture(),
      os: 'linux',
      config: { Cmd: command, Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'] },
      rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
    }
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
    const manifest = [{ Config: 'config.json', RepoTags: [reference], Layers: ['layer.tar'] }]
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest))
    fetchWith('tar', ['-C', folder, '-cf', file, 'manifest.json', 'config.json', 'layer.tar'], folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
