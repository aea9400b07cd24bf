import { list, map, number, text } from '../../gotemplate/functions/arguments.ts'
import { fixed, type Functions, type TemplateFunction, variadic } from '../../gotemplate/functions/function.ts'
import { functionsWith } from '../../gotemplate/functions/functions.ts'
import { printed } from '../../gotemplate/print.ts'
import { entryOf, fieldOf, isTyped, isUnset, toJson, type Value, type ValueMap } from '../../gotemplate/value.ts'
import { embeddedJson, stringify } from '../../json/parse.ts'
import { isObject, type Json, type JsonObject, objectOr, objectsOf } from '../../json/value.ts'
import { proxyConfigText } from '../../settings/effective-proxy-config.ts'
import { yamlText } from '../../settings/yaml.ts'
import { CONTAINERS } from '../../vocabulary/names.ts'
import { multusNetworks } from './multus.ts'
import { excludeInboundPort } from './traffic.ts'

/** What Istio's injector adds to Go's and Sprig's functions. `env`, which reads istiod's own environment, is left out. */
const ISTIO_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  annotation: fixed(
    3,
    ([metadata, name, fallback]) => entryOf(annotationsOf(metadata), text(name)) ?? printed(fallback),
  ),
  isset: fixed(2, ([values, name]) => Object.hasOwn(map(values), text(name))),
  valueOrDefault: fixed(2, ([value, fallback]) => (isNothing(value) ? fallback : value)),
  toJSON: fixed(1, ([values]) => stringify(toJson(map(values)))),
  toJsonMap: variadic(0, (maps) => stringify(toJson(merged(maps)))),
  fromJSON: fixed(1, ([value]) => embeddedJson(text(value)) ?? null),
  structToJSON: fixed(1, ([value]) => (isNothing(value) ? '{}' : stringify(toJson(value)))),
  protoToJSON: fixed(1, ([value]) => proxyConfigText(objectOr(toJson(value)))),
  toYaml: fixed(1, ([value]) => yamlText(toJson(value))),
  // unlike Sprig's, it leaves the first line where it is
  indent: fixed(2, ([width, value]) =>
    text(value)
      .split('\n')
      .join(`\n${' '.repeat(Math.min(1000, number(width)))}`),
  ),
  directory: fixed(1, ([path]) => text(path).slice(0, text(path).lastIndexOf('/') + 1)),
  toLower: fixed(1, ([value]) => text(value).toLowerCase()),
  strdict: variadic(0, (values) => strings(values)),
  mergeMaps: variadic(0, (maps) => merged(maps)),
  omitNil: fixed(1, ([values]) => withoutNulls(objectOr(toJson(values)))),
  formatDuration: fixed(1, ([duration]) => (isNothing(duration) ? '' : text(duration))),
  applicationPorts: fixed(1, ([containers]) => ports(containers, (name) => name !== CONTAINERS.proxy)),
  includeInboundPorts: fixed(1, ([containers]) => ports(containers, () => true)),
  excludeInboundPort: fixed(2, ([port, excluded]) => excludeInboundPort(text(excluded), printed(port))),
  kubevirtInterfaces: fixed(1, ([names]) => text(names)),
  excludeInterfaces: fixed(1, ([names]) => text(names)),
  appendMultusNetwork: fixed(2, ([existing]) => multusNetworks(text(existing)).networks),
}

/** All that a template of the settings may call. */
export const TEMPLATE_FUNCTIONS: Functions = functionsWith(ISTIO_FUNCTIONS)

function annotationsOf(metadata: Value): ValueMap {
  return map(isTyped(metadata) ? fieldOf(metadata, 'Annotations') : entryOf(map(metadata), 'annotations'))
}

function isNothing(value: Value): boolean {
  return value === '' || value === null || value === undefined || isUnset(value)
}

/** Later maps win. */
function merged(maps: readonly Value[]): ValueMap {
  return Object.fromEntries(maps.flatMap((values) => Object.entries(map(values))))
}

/** Pairs of a name and a text; those of an empty text are left out. */
function strings(values: readonly Value[]): ValueMap {
  const pairs = new Map<string, Value>()
  for (let at = 0; at + 1 < values.length; at += 2) {
    const value = text(values[at + 1])
    if (value !== '') pairs.set(text(values[at]), value)
  }
  return Object.fromEntries(pairs)
}

/** Maps that become empty by it go too. */
function withoutNulls(values: JsonObject): JsonObject {
  const kept = Object.entries(values).flatMap(([name, value]): readonly (readonly [string, Json])[] => {
    if (value === null || value === undefined) return []
    if (!isObject(value)) return [[name, value]]
    const inner = withoutNulls(value)
    return Object.keys(inner).length === 0 ? [] : [[name, inner]]
  })
  return Object.fromEntries(kept)
}

/** The container ports that TCP reaches, of the containers whose name fits. */
function ports(containers: Value, fits: (name: unknown) => boolean): string {
  return objectsOf(toJson(list(containers)))
    .filter((container) => fits(container['name']))
    .flatMap((container) => objectsOf(container['ports']))
    .filter((port) => port['protocol'] === undefined || port['protocol'] === 'TCP')
    .map((port) => printed(port['containerPort']))
    .join(',')
}
