import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { replaceFile } from '../../../edge/files/replace-file.ts'
import { isAbsent } from './directory.ts'

const MODE = 0o755

/** The plugin's executable on the node. */
export class PluginBinary {
  readonly #source: string
  readonly #target: string
  /** by the stat of a file: hashing some megabytes every other second would be waste */
  readonly #hashes = new Map<string, { readonly stat: string; readonly hash: string }>()

  constructor(source: string, target: string) {
    this.#source = source
    this.#target = target
  }

  /** Is what stands on the node what the image has? Throws where either cannot be read. */
  look(): 'same' | 'absent' | 'other' {
    const want = this.#hashOf(this.#source)
    if (want === undefined) throw new Error(`${this.#source} is not there`)
    const have = this.#hashOf(this.#target)
    if (have === undefined) return 'absent'
    return have === want && (statSync(this.#target).mode & 0o7777) === MODE ? 'same' : 'other'
  }

  /** Puts it there in one step: one that is running goes on as it was. Throws where it cannot. */
  put(): void {
    const content = readFileSync(this.#source)
    const isWhole = (unfinished: string): boolean => sha256(readFileSync(unfinished)) === sha256(content)
    if (!replaceFile(this.#target, content, { mode: MODE }, isWhole))
      throw new Error(`the copy of ${this.#source} is not what was copied`)
  }

  #hashOf(path: string): string | undefined {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true })
      const stat = [dev, ino, size, mtimeNs, ctimeNs].join(' ')
      const known = this.#hashes.get(path)
      if (known?.stat === stat) return known.hash
      const hash = sha256(readFileSync(path))
      this.#hashes.set(path, { stat, hash })
      return hash
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw error
    }
  }
}

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
