/** The objects of manifests/sluice.yaml, for tests and the demo: what they put into an API server is what is shipped. */
import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import { isObject, type JsonObject, objectOr, stringOr } from '../../src/core/json/value.ts'

const FILE = 'manifests/sluice.yaml'

/** Parts of the installation by the names of their objects. */
const PARTS = {
  mutating: ({ kind }) => kind === 'MutatingWebhookConfiguration',
  validating: ({ kind }) => kind === 'ValidatingWebhookConfiguration',
  guard: ({ name }) => name.startsWith('sluice-guard'),
  seal: ({ name }) => name.startsWith('sluice-seal'),
  fence: ({ name }) => name.startsWith('sluice-fence'),
  policy: ({ name }) => name === 'sluice-policy',
} as const satisfies Record<string, (object: { readonly kind: string; readonly name: string }) => boolean>
export type ShippedPart = keyof typeof PARTS

let parsed: readonly JsonObject[] | undefined

/** Every object, in the order of the file. */
export function shippedObjects(): readonly JsonObject[] {
  parsed ??= parseAllDocuments(readFileSync(FILE, 'utf8')).map((document): JsonObject => {
    const object: unknown = document.toJS()
    if (!isObject(object)) throw new Error(`${FILE} holds something that is no object`)
    return object
  })
  return parsed
}

/** The objects of a part. Throws where the file has none. */
export function shipped(part: ShippedPart): readonly JsonObject[] {
  const found = shippedObjects().filter((object) => {
    const { kind, metadata } = object
    return PARTS[part]({ kind: stringOr(kind) ?? '', name: stringOr(objectOr(metadata)['name']) ?? '' })
  })
  if (found.length === 0) throw new Error(`${FILE} has no ${part}`)
  return found
}
