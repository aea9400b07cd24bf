import { excludedNamespaces, pluginEntry } from '../../../src/core/conflist/entry.ts'
import { type Placement, plan, planRemoval, type Step } from '../../../src/core/conflist/plan.ts'
import { parseJson } from '../../../src/core/json/parse.ts'
import {
  isList,
  isObject,
  type Json,
  type JsonObject,
  objectOr,
  stringMap,
  stringOr,
} from '../../../src/core/json/value.ts'
import { jsonDifferences } from '../comparison/differences.ts'
import type { GoldenCase, GoldenSet } from '../golden-set.ts'
import { ownResult } from './conflist-own.ts'
import { jsonFiles } from './json-files.ts'

/** as whom the product speaks here: entries of Istio's are then its own older ones */
const TYPE = 'istio-cni'
const MODE_BEFORE = '-rw-r-----'
const MODE_OF_NEW = '-rw-------'

/** A configuration directory and the agent's settings to the directory with the entry, and to the one after an uninstall. */
export const CONFLIST: GoldenSet = { name: 'conflist', place: 'conflist', cases, differences }

interface File {
  readonly text: string
  readonly mode: string
}

function cases(place: string): readonly GoldenCase[] {
  return jsonFiles(place).map(({ name, golden }) => {
    const before = stringMap(golden['before'])
    const expected = { ...objectOr(golden['expected']), before: values(before) }
    const own = ownResult(expected, TYPE)
    return {
      name: stringOr(golden['name']) ?? name,
      expected,
      actual: () => install(before, objectOr(golden['settings'])),
      ...(own === undefined ? {} : { own }),
    }
  })
}

function install(before: Readonly<Record<string, string>>, settings: JsonObject): Json {
  const files = new Map(Object.entries(before).map(([file, text]) => [file, { text, mode: MODE_BEFORE }]))
  const entry = pluginEntry({
    socket: `${stringOr(settings['agentRunDir']) ?? ''}/cni.sock`,
    excludeNamespaces: excludedNamespaces(stringOr(settings['excludeNamespaces']) ?? ''),
  })
  const wish = {
    placement: placementOf(settings),
    entry: { ...entry, type: TYPE, name: TYPE },
    directory: '/etc/cni/net.d',
  }
  const made = plan(texts(files), wish)
  if (made.is === 'not-possible') return { waits: true, because: made.reason.code }
  const after = applied(files, made.steps)
  const again = plan(texts(after), wish)
  if (again.is === 'not-possible' || again.steps.length > 0) throw new Error('a second round would change something')
  return {
    file: made.file,
    mode: after.get(made.file)?.mode ?? '',
    after: values(Object.fromEntries(texts(after))),
    afterUninstall: values(Object.fromEntries(texts(applied(after, planRemoval(texts(after), TYPE))))),
  }
}

function placementOf(settings: JsonObject): Placement {
  const file = stringOr(settings['cniConfName'])
  const name = file === '' ? undefined : file
  if (settings['chained'] !== true) return { is: 'standalone', ownFile: name ?? 'YYY-istio-cni.conf' }
  return settings['istioOwnedConfig'] === true && settings['ambientEnabled'] === true
    ? { is: 'owned', file: name, ownFile: stringOr(settings['ownedFilename']) ?? '' }
    : { is: 'chained', file: name }
}

function applied(files: ReadonlyMap<string, File>, steps: readonly Step[]): ReadonlyMap<string, File> {
  const after = new Map(files)
  for (const step of steps)
    if (step.do === 'remove') after.delete(step.file)
    else after.set(step.file, { text: step.text, mode: after.get(step.like ?? '')?.mode ?? MODE_OF_NEW })
  return after
}

function texts(files: ReadonlyMap<string, File>): ReadonlyMap<string, string> {
  return new Map([...files].map(([file, { text }]) => [file, text]))
}

/** Each file as JSON, or as text where it is none. */
function values(directory: Readonly<Record<string, string>>): JsonObject {
  const value = (text: string): Json => {
    try {
      return parseJson(text)
    } catch {
      return text
    }
  }
  return Object.fromEntries(Object.entries(directory).map(([file, text]) => [file, value(text)]))
}

/**
 * As conflist/README.md says: fields of our entry that Istio's does not have are free, of several old entries none need be
 * left, and a `.conf` that became a list may be back as it was.
 */
function differences(expected: Json, actual: Json): readonly string[] {
  const [want, got] = [objectOr(expected), objectOr(actual)]
  if (want['waits'] === true) return jsonDifferences(true, got['waits'], 'waits')
  const places = (['file', 'mode'] as const).flatMap((key) => jsonDifferences(want[key], got[key], key))
  const left = reducedIn(got['afterUninstall'])
  const removed = jsonDifferences(reducedIn(withOneOf(want['afterUninstall'], 'none')), left, 'afterUninstall')
  const before = reducedIn(withOneOf(want['before'], 'none'))
  const restored = isConverted(want) && jsonDifferences(before, left).length === 0
  return [
    ...places,
    ...jsonDifferences(reducedIn(withOneOf(want['after'], 'last')), reducedIn(got['after']), 'after'),
    ...(restored ? [] : removed),
  ]
}

function isConverted(expected: JsonObject): boolean {
  const left = objectOr(expected['afterUninstall'])
  return Object.keys(objectOr(expected['before'])).some((file) => file.endsWith('.conf') && !(file in left))
}

/** Istio leaves all old entries of a file but the first: of those here only the last one, or none, is left. */
function withOneOf(directory: Json | undefined, keep: 'last' | 'none'): JsonObject {
  return eachFile(directory, (value) => {
    const plugins = isObject(value) ? value['plugins'] : undefined
    if (!isObject(value) || !isList(plugins)) return value
    const last = keep === 'last' ? plugins.findLast(isOurs) : undefined
    return { ...value, plugins: plugins.filter((one) => !isOurs(one) || one === last) }
  })
}

/** Each of our entries with what is compared of it. */
function reducedIn(directory: Json | undefined): JsonObject {
  return eachFile(directory, (value) => {
    if (!isObject(value)) return value
    const plugins = value['plugins']
    return isList(plugins) ? { ...value, plugins: plugins.map(reduced) } : reduced(value)
  })
}

function eachFile(directory: Json | undefined, change: (value: Json) => Json): JsonObject {
  return Object.fromEntries(Object.entries(objectOr(directory)).map(([file, value]) => [file, change(value ?? null)]))
}

function isOurs(plugin: Json): boolean {
  return isObject(plugin) && plugin['type'] === TYPE
}

/** Istio's name for the excluded namespaces, or ours; none at all is null there. */
function reduced(entry: Json): Json {
  if (!isObject(entry) || !isOurs(entry)) return entry
  const { cniVersion, type, name, exclude_namespaces: istio, excludeNamespaces: own } = entry
  const excluded = isList(own) && own.length === 0 ? null : (own ?? istio ?? null)
  return { ...(cniVersion === undefined ? {} : { cniVersion }), type: type ?? '', name: name ?? '', excluded }
}
