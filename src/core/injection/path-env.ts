const SHORT_KEYS: ReadonlyMap<string, string> = new Map([
  ['cluster', 'ISTIO_META_CLUSTER_ID'],
  ['net', 'ISTIO_META_NETWORK'],
])
const OLD_FORM = ':ENV:'

/**
 * Environment of the proxy that the path of a request carries, as Istio reads it (injector.md §1): `/inject/k/v/k/v…`, or
 * the older `/inject/:ENV:k=v:ENV:k=v`. Takes the path with its URL escapes decoded. Never throws: what makes no pair is
 * left out.
 */
export function pathEnv(path: string): Readonly<Record<string, string>> {
  const trimmed = path.endsWith('/') ? path.slice(0, -1) : path
  const second = trimmed.indexOf('/', trimmed.indexOf('/') + 1)
  const parameters = second === -1 ? '' : trimmed.slice(second + 1)
  const pairs = parameters.startsWith(OLD_FORM) ? oldPairs(parameters) : pairsOf(parameters.split('/'))
  return Object.fromEntries(
    pairs.filter(([key]) => key !== '').map(([key, value]) => [SHORT_KEYS.get(key) ?? key.toUpperCase(), value]),
  )
}

/** Later pairs win; an odd last key is left out. */
function pairsOf(parts: readonly string[]): (readonly [string, string])[] {
  return parts.flatMap((key, at) => {
    const value = at % 2 === 0 ? parts[at + 1] : undefined
    return value === undefined ? [] : [[key, value.replaceAll('--slash--', '/')] as const]
  })
}

function oldPairs(parameters: string): (readonly [string, string])[] {
  return parameters.split(OLD_FORM).flatMap((piece) => {
    const equals = piece.indexOf('=')
    return equals === -1 ? [] : [[piece.slice(0, equals), piece.slice(equals + 1)] as const]
  })
}
