import { mapValues, put } from '../../json/map-values.ts'
import { isList, isObject, type Json, type JsonObject, objectOr } from '../../json/value.ts'

/** A part of a template that cannot be merged; `path` is where, `problem` what is wrong. */
export class MergeError extends Error {
  readonly path: string
  readonly problem: string

  constructor(path: string, problem: string) {
    super(`${path} ${problem}`)
    this.name = 'MergeError'
    this.path = path
    this.problem = problem
  }
}

/** The key of an element, or undefined where it has none. */
type KeyOf = (element: JsonObject) => string | undefined

/** Lists of a pod whose elements are merged by a key (injector.md §8); every other list is replaced. */
const MERGE_KEYS: ReadonlyMap<string, KeyOf> = new Map(
  Object.entries<KeyOf>({
    containers: by('name'),
    initContainers: by('name'),
    ephemeralContainers: by('name'),
    env: by('name'),
    // by number *and* protocol: one number with TCP and UDP is two ports (quirk 35)
    ports: (port) =>
      port['containerPort'] === undefined
        ? undefined
        : `${scalar(port['containerPort'])}/${scalar(port['protocol'] ?? 'TCP')}`,
    volumeMounts: by('mountPath'),
    volumeDevices: by('devicePath'),
    schedulingGates: by('name'),
    resourceClaims: by('name'),
    volumes: by('name'),
    imagePullSecrets: by('name'),
    hostAliases: by('ip'),
    topologySpreadConstraints: by('topologyKey'),
    ownerReferences: by('uid'),
  }),
)

/** Objects that name one of several kinds of handler: another kind replaces, since two are refused (quirk 16). */
const HANDLERS = new Set(['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'])
const HANDLER_FIELDS = new Set(['livenessProbe', 'readinessProbe', 'startupProbe', 'postStart', 'preStop'])

/**
 * `patch` strategic-merged onto `original`, both a pod or a part of one; `field` is the name under which they stand, so
 * that lists find their merge key. Takes and gives raw JSON, changes neither argument. A null in `patch` deletes; `$patch:
 * replace | delete` are understood. Throws `MergeError` where an element of a keyed list lacks its key.
 */
export function strategicMerge(original: Json | undefined, patch: Json, field = '', path = field): Json | undefined {
  if (isObject(patch))
    return isObject(original) ? mergeObjects(original, patch, field, path) : fresh(patch, field, path)
  if (isList(patch)) return mergeLists(isList(original) ? original : [], patch, field, path)
  return patch
}

function mergeObjects(original: JsonObject, patch: JsonObject, field: string, path: string): JsonObject | undefined {
  if (patch['$patch'] === 'delete') return undefined
  if (patch['$patch'] === 'replace') return objectOr(fresh({ ...patch, $patch: undefined }, field, path))
  if (patch['$patch'] !== undefined) throw new MergeError(path, 'has a $patch that is neither replace nor delete')
  const base = HANDLER_FIELDS.has(field) ? withoutOtherHandlers(original, patch) : original
  const merged: Record<string, Json> = {}
  for (const key of Object.keys(base)) {
    const there = base[key]
    const over = Object.hasOwn(patch, key) ? patch[key] : undefined
    put(
      merged,
      key,
      over === undefined ? there : over === null ? undefined : strategicMerge(there, over, key, below(path, key)),
    )
  }
  for (const key of Object.keys(patch)) {
    if (!Object.hasOwn(base, key)) put(merged, key, fresh(patch[key] ?? null, key, below(path, key)))
  }
  return merged
}

function withoutOtherHandlers(original: JsonObject, patch: JsonObject): JsonObject {
  const named = Object.keys(patch).filter((key) => HANDLERS.has(key) && patch[key] !== null)
  if (named.length === 0) return original
  return Object.fromEntries(Object.entries(original).filter(([key]) => !HANDLERS.has(key) || named.includes(key)))
}

function mergeLists(original: readonly Json[], patch: readonly Json[], field: string, path: string): Json {
  if (field === 'finalizers') return [...new Set([...original, ...patch])]
  const keyOf = MERGE_KEYS.get(field)
  if (keyOf === undefined) return withoutNulls(patch)
  if (patch.some((element) => markerOf(element) === 'replace'))
    return patch.filter((element) => markerOf(element) === undefined).map((element) => fresh(element, '', path) ?? null)
  const patched = new Map<string, JsonObject>()
  for (const [index, element] of patch.entries()) {
    const key = isObject(element) ? keyOf(element) : undefined
    if (!isObject(element) || key === undefined) throw new MergeError(`${path}[${index}]`, 'has no key to be merged by')
    const earlier = patched.get(key)
    patched.set(
      key,
      earlier === undefined ? element : (mergeObjects(earlier, element, '', `${path}[${key}]`) ?? element),
    )
  }
  return mergeKeyed(original, patched, keyOf, path)
}

function markerOf(element: Json): Json | undefined {
  return isObject(element) ? element['$patch'] : undefined
}

/** A list that is replaced whole, without the nulls of the objects in it; the very same list where there are none. */
function withoutNulls(list: readonly Json[]): readonly Json[] {
  const kept = list.map(nullless)
  return kept.every((element, at) => element === list[at]) ? list : kept
}

function nullless(value: Json): Json {
  if (isList(value)) return withoutNulls(value)
  if (!isObject(value)) return value
  return mapValues(value, (_key, entry) => (entry === undefined || entry === null ? undefined : nullless(entry)))
}

/** An element of the result; `at` is its place in the original, or -1. */
interface Placed {
  readonly at: number
  readonly value: Json
}

/**
 * The patch's elements in their order, and around them what only the original has: before a patched element where it
 * stood before it in the original, else after all of them (injector.md §8, "Order of such a list").
 */
function mergeKeyed(
  original: readonly Json[],
  patch: ReadonlyMap<string, JsonObject>,
  keyOf: KeyOf,
  path: string,
): Json {
  const only: Placed[] = []
  const found = new Map<string, Placed>()
  // a repeated key: the first is merged, the others stand behind it as they are
  const repeated = new Map<string, Placed[]>()
  for (const [at, value] of original.entries()) {
    const key = isObject(value) ? keyOf(value) : undefined
    const first = key === undefined ? undefined : found.get(key)
    if (key === undefined || !patch.has(key)) only.push({ at, value })
    else if (first === undefined) found.set(key, { at, value })
    else {
      const others = repeated.get(key) ?? []
      others.push({ at: first.at, value })
      repeated.set(key, others)
    }
  }
  const patched: Placed[] = []
  for (const [key, value] of patch) {
    const there = found.get(key)
    const result =
      there === undefined
        ? fresh(value, '', `${path}[${key}]`)
        : strategicMerge(there.value, value, '', `${path}[${key}]`)
    if (result !== undefined) patched.push({ at: there?.at ?? -1, value: result }, ...(repeated.get(key) ?? []))
  }
  const result: Json[] = []
  let next = 0
  for (const element of patched) {
    for (let head = only[next]; head !== undefined && element.at >= 0 && head.at < element.at; head = only[next]) {
      result.push(head.value)
      next += 1
    }
    result.push(element.value)
  }
  return [...result, ...only.slice(next).map((element) => element.value)]
}

/**
 * What is new to the original is stored without its nulls and markers. What has none comes back as the very same value: a
 * template is large, and most of it is new.
 */
function fresh(value: Json, field: string, path: string): Json | undefined {
  if (isList(value)) return freshList(value, field, path)
  if (!isObject(value)) return value === null ? undefined : value
  if (value['$patch'] === 'delete') return undefined
  return mapValues(value, (key, entry) => freshEntry(key, entry, path))
}

function freshEntry(key: string, entry: Json | undefined, path: string): Json | undefined {
  if (key === '$patch' || entry === undefined || entry === null) return undefined
  return typeof entry === 'object' ? fresh(entry, key, below(path, key)) : entry
}

/** The elements that a merge onto nothing keeps; the very same list where that is all of them. */
function freshList(list: readonly Json[], field: string, path: string): Json {
  const keyOf = MERGE_KEYS.get(field)
  if (keyOf === undefined) return withoutNulls(list)
  const keys = list.map((element) => (isObject(element) ? keyOf(element) : undefined))
  // what is to be merged with one another, or has no key, is the concern of the merge
  if (keys.includes(undefined) || new Set(keys).size < keys.length || list.some((one) => markerOf(one) === 'replace'))
    return mergeLists([], list, field, path)
  const kept = list.map((element, at) => fresh(element, '', `${path}[${keys[at] ?? ''}]`))
  return kept.every((element, at) => element === list[at]) ? list : kept.filter((element) => element !== undefined)
}

function below(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}

function by(key: string): KeyOf {
  return (element) => (element[key] === undefined || element[key] === null ? undefined : scalar(element[key]))
}

function scalar(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
