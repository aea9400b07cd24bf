/** A kind of object as the API's paths name it; the group of the core kinds is empty. */
export interface Resource {
  readonly group: string
  readonly version: string
  readonly plural: string
}

/** A collection (no name), one object of it, or a subresource of that object. */
export interface Target {
  readonly resource: Resource
  readonly namespace?: string
  readonly name?: string
  readonly subresource?: string
}

/** The path of `target` below the API server's address. */
export function pathOf({ resource, namespace, name, subresource }: Target): string {
  const { group, version, plural } = resource
  const base = group === '' ? ['api', version] : ['apis', group, version]
  const parts = [
    ...base,
    ...(namespace === undefined ? [] : ['namespaces', namespace]),
    plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ]
  return `/${parts.map(encodeURIComponent).join('/')}`
}

/** What a query string may hold; undefined values are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>

/** `path` with `query`. */
export function withQuery(path: string, query: Query): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, String(value))
  return search.size === 0 ? path : `${path}?${search.toString()}`
}
