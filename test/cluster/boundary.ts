import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import { type ApiServer, createNamespace } from '../../scripts/cluster/api-server.ts'
import { isObject, type JsonObject } from '../../src/core/json/value.ts'

/** The objects of a file in manifests/, as they are shipped. */
export function manifest(name: string): readonly JsonObject[] {
  const objects = parseAllDocuments(readFileSync(`manifests/${name}.yaml`, 'utf8')).map(
    (document) => document.toJS() as unknown,
  )
  assert.ok(objects.length > 0 && objects.every(isObject), name)
  return objects
}

/** Writes objects as they are; throws with kubectl's words. */
export async function applied(server: ApiServer, objects: readonly JsonObject[]): Promise<void> {
  const { code, stderr } = await server.kubectl(
    ['apply', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
  )
  assert.equal(code, 0, stderr)
}

/** Puts the boundary into force, as manifests/ ships it. */
export async function boundary(server: ApiServer, names: readonly ('guard' | 'seal' | 'fence')[]): Promise<void> {
  await createNamespace(server, 'sluice-system')
  await applied(server, [...manifest('policy'), ...names.flatMap(manifest)])
}

/** What the API server said about each object that it refused, by name. */
export function refusals(stderr: string): ReadonlyMap<string, string> {
  const found = [...stderr.matchAll(/^Error from server[^\n]*?: (?:[a-z.]+) "([^"]+)" is forbidden: (.*)$/gm)]
  return new Map(found.map(([, name = '', why = '']) => [name, why]))
}
