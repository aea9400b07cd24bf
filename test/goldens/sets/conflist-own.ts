import { deepEqual } from '../../../src/core/json/equal.ts'
import {
  isList,
  isObject,
  type Json,
  type JsonObject,
  objectOr,
  objectsOf,
  stringOr,
} from '../../../src/core/json/value.ts'

/**
 * What Sluice makes of a case on purpose, undefined where it follows Istio (docs/differences-from-istio.md, cni 17 and 20):
 * - where a `.conf` becomes a list, Istio calls every network `k8s-pod-network` in version 0.3.1. Sluice keeps the name, under
 *   which the addresses of running pods are recorded, and the version;
 * - an entry in a file that another one has come to outrank is taken away.
 */
export function ownResult(expected: JsonObject, type: string): Json | undefined {
  const file = stringOr(expected['file']) ?? ''
  const source = sourceOf(objectOr(objectOr(expected['after'])[file]), objectOr(expected['before']))
  const own = {
    ...expected,
    after: mapped(expected['after'], (value, name) =>
      name === file ? keepingNetwork(value, source) : without(value, type),
    ),
    afterUninstall: mapped(expected['afterUninstall'], (value, name) => (name === file ? value : without(value, type))),
  }
  return deepEqual(own, expected) ? undefined : own
}

function mapped(directory: Json | undefined, change: (value: Json, file: string) => Json): JsonObject {
  return Object.fromEntries(
    Object.entries(objectOr(directory)).map(([file, value]) => [file, change(value ?? null, file)]),
  )
}

/** The `.conf` that the first plugin of `list` is. */
function sourceOf(list: JsonObject, before: JsonObject): JsonObject | undefined {
  const [first] = objectsOf(list['plugins'])
  return Object.entries(before)
    .filter(([file]) => file.endsWith('.conf'))
    .map(([, value]) => objectOr(value))
    .find((plugin) => deepEqual({ ...plugin, cniVersion: undefined }, first))
}

function keepingNetwork(list: Json, source: JsonObject | undefined): Json {
  if (source === undefined) return list
  const { name, ...rest } = objectOr(list)
  return { ...rest, name: source['name'] ?? name, cniVersion: source['cniVersion'] }
}

function without(value: Json, type: string): Json {
  if (!isObject(value) || !isList(value['plugins'])) return value
  return { ...value, plugins: value['plugins'].filter((plugin) => objectOr(plugin)['type'] !== type) }
}
