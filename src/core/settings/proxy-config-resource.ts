import type { JsonObject } from '../json/value.ts'
import { isObject, objectOr, stringMap, stringOr } from '../json/value.ts'
import type { ProtoFields } from './proto-json.ts'
import { readMessage } from './proto-json.ts'

/** A `networking.istio.io` ProxyConfig of the cluster, as far as injection needs it (injector.md §5). */
export interface ProxyConfigResource {
  readonly namespace: string
  /** `spec.selector.matchLabels`; undefined where the resource has no selector */
  readonly matchLabels: Readonly<Record<string, string>> | undefined
  /** `spec`, as canonical proto-JSON */
  readonly spec: JsonObject
}

const SPEC_FIELDS: ProtoFields = {
  selector: 'any',
  concurrency: 'Int32Value',
  environmentVariables: { map: 'string' },
  image: { message: { imageType: 'string' } },
}

/** The facts of a ProxyConfig object of the API server. Throws `SettingsError` where its spec has a wrong type. */
export function parseProxyConfigResource(resource: JsonObject): ProxyConfigResource {
  const metadata = objectOr(resource['metadata'])
  const place = `ProxyConfig ${stringOr(metadata['namespace']) ?? ''}/${stringOr(metadata['name']) ?? ''}`
  const spec = readMessage(objectOr(resource['spec']), SPEC_FIELDS, `${place} spec`).message
  return {
    namespace: stringOr(metadata['namespace']) ?? '',
    matchLabels: isObject(spec['selector']) ? stringMap(spec['selector']['matchLabels']) : undefined,
    spec,
  }
}

/** `resources` in the order that counts where several apply: oldest first, then by name. */
export function oldestFirst(resources: readonly JsonObject[]): readonly JsonObject[] {
  const keyOf = (resource: JsonObject): string => {
    const metadata = objectOr(resource['metadata'])
    return [metadata['creationTimestamp'], metadata['namespace'], metadata['name']]
      .map((part) => stringOr(part) ?? '')
      .join(' ')
  }
  return resources
    .map((resource) => ({ resource, key: keyOf(resource) }))
    .toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ resource }) => resource)
}
