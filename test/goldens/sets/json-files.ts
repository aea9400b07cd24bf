import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseJson } from '../../../src/core/json/parse.ts'
import { type JsonObject, objectOr } from '../../../src/core/json/value.ts'

/** The cases of a set that keeps one JSON file a case, by the names of the files. */
export function jsonFiles(place: string): readonly { readonly name: string; readonly golden: JsonObject }[] {
  return readdirSync(place)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => ({
      name: file.slice(0, -'.json'.length),
      golden: objectOr(parseJson(readFileSync(join(place, file), 'utf8'))),
    }))
}
