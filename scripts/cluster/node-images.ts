/** The images of a test node: the pause process and test pods, and Sluice itself as it ships. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FetchError } from '../cache.ts'
import { makeImage } from '../image/image.ts'
import { writeImage } from '../image/oci-image.ts'

export const BOX_IMAGE = 'test.local/box:1'
export const SLUICE_IMAGE = 'test.local/sluice:1'
const PAUSE_IMAGE = 'test.local/pause:1'

/** Writes every image into `folder`, from where a node imports them when it starts. */
export function addImages(folder: string): void {
  const root = mkdtempSync(join(tmpdir(), 'sluice-box-'))
  try {
    const source = join(import.meta.dirname, 'node/box/main.go')
    const env = { ...process.env, CGO_ENABLED: '0' }
    const args = ['build', '-trimpath', '-ldflags', '-s -w', '-o', join(root, 'box'), source]
    const { status, error, stderr } = spawnSync('go', args, { env, encoding: 'utf8' })
    if (status !== 0) throw new FetchError(error?.message ?? stderr.trim())
    for (const [reference, name] of [
      [PAUSE_IMAGE, 'pause.tar'],
      [BOX_IMAGE, 'box.tar'],
    ] as const)
      writeImage({ reference, root, entrypoint: ['/box'], labels: {}, file: join(folder, name) })
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
  makeImage(SLUICE_IMAGE, join(folder, 'sluice.tar'))
}
