import type { JsonObject } from '../json/value.ts'
import { readConfiguration, typeOf } from './configuration.ts'
import { entriesIn } from './edit.ts'
import { formOf } from './select.ts'

/** What was found in a file that had to be written or removed, instead of our entry in its place and as it should be. */
export type Cause =
  'no-file' | 'unusable' | 'single' | 'no-entry' | 'leftover' | 'entry-changed' | 'entry-not-last' | 'entries-several'

/** Why `file`, which holds `text`, is not as it should be. `target`: is it the file where the entry is to be? */
export function causeOf(file: string, text: string | undefined, entry: JsonObject, target: boolean): Cause {
  if (text === undefined) return 'no-file'
  const read = readConfiguration(text, formOf(file))
  if (read.is === 'unusable') return 'unusable'
  if (read.is === 'single') return typeOf(read.value) === typeOf(entry) ? 'entry-changed' : 'single'
  const entries = entriesIn(text, typeOf(entry))
  if (entries.length === 0) return 'no-entry'
  if (!target) return 'leftover'
  if (entries.length > 1) return 'entries-several'
  const last = read.plugins.at(-1)?.value
  return last !== undefined && typeOf(last) === typeOf(entry) ? 'entry-changed' : 'entry-not-last'
}

/** The type of the first plugin of `text` that is none of ours: it tells whose configuration a file is. */
export function mainPluginOf(file: string, text: string, type: string): string | null {
  const read = readConfiguration(text, formOf(file))
  switch (read.is) {
    case 'list':
      return read.plugins.map(({ value }) => typeOf(value)).find((one) => one !== type) ?? null
    case 'single':
      return typeOf(read.value)
    case 'unusable':
      return null
  }
}
