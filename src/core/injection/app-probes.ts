import type { Json, JsonObject } from '../json/value.ts'
import { isObject, objectOr, objectsOf } from '../json/value.ts'

/** The places of a container that the kubelet checks or calls, and the agent's path for each (injector.md §12). */
const PLACES = [
  { where: ['readinessProbe'], path: (name: string) => `/app-health/${name}/readyz`, isProbe: true },
  { where: ['livenessProbe'], path: (name: string) => `/app-health/${name}/livez`, isProbe: true },
  { where: ['startupProbe'], path: (name: string) => `/app-health/${name}/startupz`, isProbe: true },
  { where: ['lifecycle', 'preStop'], path: (name: string) => `/app-lifecycle/${name}/prestopz`, isProbe: false },
  { where: ['lifecycle', 'postStart'], path: (name: string) => `/app-lifecycle/${name}/poststartz`, isProbe: false },
] as const

/** Kinds of checks over the network, in the order in which they count; an exec never leaves the container. */
const KINDS = ['httpGet', 'tcpSocket', 'grpc'] as const

/** One check of an application over the network, found in its container. */
export interface AppProbe {
  /** the agent's path that stands for it */
  readonly path: string
  /** where it is, for people */
  readonly field: string
  /** what the agent has to do instead; undefined where there is a problem */
  readonly entry: JsonObject | undefined
  readonly problem: 'unknown-port' | 'agent-port' | 'rewritten' | undefined
  /** the port as the pod writes it */
  readonly port: Json
}

type Place = (typeof PLACES)[number]

/**
 * `container` with each of its checks as `change` gives it. `change` gets the handler (what holds `httpGet` and the like)
 * and what is known of it, and gives another handler, or the same to leave it alone.
 */
export function mapAppProbes(
  container: JsonObject,
  statusPort: number,
  change: (handler: JsonObject, probe: AppProbe) => JsonObject,
): JsonObject {
  return PLACES.reduce((done, place) => {
    const handler = handlerAt(done, place)
    const probe = handler === undefined ? undefined : appProbe(container, handler, place, statusPort)
    if (handler === undefined || probe === undefined) return done
    const changed = change(handler, probe)
    return changed === handler ? done : withHandler(done, place, changed)
  }, container)
}

function handlerAt(container: JsonObject, place: Place): JsonObject | undefined {
  const [first, second] = place.where
  const outer = container[first]
  const handler = second === undefined ? outer : objectOr(outer)[second]
  return isObject(handler) ? handler : undefined
}

function withHandler(container: JsonObject, place: Place, handler: JsonObject): JsonObject {
  const [first, second] = place.where
  if (second === undefined) return { ...container, [first]: handler }
  return { ...container, [first]: { ...objectOr(container[first]), [second]: handler } }
}

function appProbe(container: JsonObject, handler: JsonObject, place: Place, statusPort: number): AppProbe | undefined {
  // a handler of a life cycle has no grpc
  const kind = KINDS.find((one) => isObject(handler[one]) && (place.isProbe || one !== 'grpc'))
  if (kind === undefined) return undefined
  const action = objectOr(handler[kind])
  const name = typeof container['name'] === 'string' ? container['name'] : ''
  const port = action['port'] ?? null
  const number = kind === 'grpc' ? port : portNumber(container, port)
  const problem =
    action['path'] === place.path(name) ? 'rewritten' : kind === 'grpc' ? undefined : problemOf(number, statusPort)
  const seconds = place.isProbe ? handler['timeoutSeconds'] : undefined
  const timeout = seconds === undefined || seconds === null || seconds === 0 ? {} : { timeoutSeconds: seconds }
  return {
    path: place.path(name),
    field: `${name}.${place.where.join('.')}`,
    entry: problem === undefined ? { [kind]: { ...action, port: number }, ...timeout } : undefined,
    problem,
    port,
  }
}

function problemOf(number: Json, statusPort: number): AppProbe['problem'] {
  if (number === null) return 'unknown-port'
  return number === statusPort ? 'agent-port' : undefined
}

/** The number of a port, which may be the name of one of the container's own; null where there is no such name. */
function portNumber(container: JsonObject, port: Json): Json {
  if (typeof port !== 'string') return port
  const named = objectsOf(container['ports']).find((one) => one['name'] === port)
  return named?.['containerPort'] ?? null
}
