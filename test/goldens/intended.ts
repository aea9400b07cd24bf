import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseJson } from '../../src/core/json/parse.ts'
import type { Json } from '../../src/core/json/value.ts'

/** A case in which Sluice decides otherwise than Istio, on purpose. */
export interface IntendedDifference {
  readonly name: string
  /** the number in "Where Istio falls short", as docs/differences-from-istio.md has it */
  readonly quirk: string
  /** file under expected/ with our own result */
  readonly file: string
}

const HEADER = 'name\tquirk\tfile'

/** The rows of `text`. Throws where it is not a table of three columns without a name twice. */
export function readDifferences(text: string): ReadonlyMap<string, IntendedDifference> {
  const [header, ...lines] = text.split('\n').filter((line) => line !== '')
  if (header !== HEADER) throw new Error(`differences.tsv must begin with the line ${JSON.stringify(HEADER)}`)
  const rows = new Map<string, IntendedDifference>()
  for (const line of lines) {
    const [name, quirk, file, ...more] = line.split('\t')
    if (name === undefined || quirk === undefined || file === undefined || more.length > 0)
      throw new Error(`differences.tsv: not three columns: ${JSON.stringify(line)}`)
    if (rows.has(name)) throw new Error(`differences.tsv names ${name} twice`)
    rows.set(name, { name, quirk, file })
  }
  return rows
}

/** Our own results, one file each. */
export class OwnResults {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** undefined where there is no such file */
  read(file: string): Json | undefined {
    const path = join(this.#folder, file)
    return existsSync(path) ? parseJson(readFileSync(path, 'utf8')) : undefined
  }

  write(file: string, value: Json): void {
    writeFileSync(join(this.#folder, file), `${JSON.stringify(value, null, 1)}\n`)
  }

  files(): readonly string[] {
    return existsSync(this.#folder) ? readdirSync(this.#folder) : []
  }
}
