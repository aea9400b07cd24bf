import { JsonError, parseJson } from '../../../core/json/parse.ts'
import { isObject, type JsonObject, objectOr, objectsOf, stringMap, stringOr } from '../../../core/json/value.ts'
import type { Reason } from '../../../core/vocabulary/reasons.ts'

/** What the plugin asks (contract/request.schema.json), checked. */
export interface CniRequest {
  readonly command: 'ADD' | 'CHECK' | 'DEL' | 'GC'
  readonly containerId: string
  /** a path on the node; empty where the sandbox has none any more */
  readonly netns: string
  readonly pod: PodIdentity
  readonly deadlineMs: number
  /** null: the runtime passes none */
  readonly annotations: Readonly<Record<string, string>> | null
  /** what the plugin before gave to the pod, without prefix lengths */
  readonly addresses: readonly string[]
  /** for GC: the sandboxes that there still are; null where the request does not say */
  readonly validContainers: readonly string[] | null
}

/** Who CNI_ARGS names. The uid tells a pod from an older one of the same name. */
export interface PodIdentity {
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

export type ReadRequest =
  { readonly is: 'request'; readonly request: CniRequest } | { readonly is: 'unreadable'; readonly reason: Reason }

const VERSION = 1
const COMMANDS = ['ADD', 'CHECK', 'DEL', 'GC'] as const
const ANNOTATIONS = 'io.kubernetes.cri.pod-annotations'
/** names of Kubernetes, uids and the ids that runtimes give to sandboxes */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/

/** Reads one request; whatever is odd about it makes all of it unreadable. */
export function readRequest(text: string): ReadRequest {
  try {
    return { is: 'request', request: request(parseJson(text)) }
  } catch (error) {
    if (error instanceof JsonError) return unreadable(`it ${error.message}`)
    if (error instanceof Unreadable) return unreadable(error.message)
    throw error
  }
}

class Unreadable extends Error {}

function unreadable(problem: string): ReadRequest {
  return { is: 'unreadable', reason: { code: 'request_unreadable', args: { problem } } }
}

function request(value: unknown): CniRequest {
  if (!isObject(value)) throw new Unreadable('it is no JSON object')
  if (value['version'] !== VERSION) throw new Unreadable(`it is not of version ${VERSION}`)
  const command = COMMANDS.find((known) => known === value['command'])
  if (command === undefined) throw new Unreadable('its command is none of ADD, CHECK, DEL, GC')
  const { deadlineMs } = value
  if (typeof deadlineMs !== 'number' || deadlineMs <= 0) throw new Unreadable('its deadlineMs is no positive number')
  const isStrict = command === 'ADD' || command === 'CHECK'
  const config = objectOr(value['config'])
  const runtimeConfig = objectOr(config['runtimeConfig'])
  return {
    command,
    containerId: named(value, 'containerId', isStrict),
    netns: stringOr(value['netns']) ?? '',
    pod: identity(stringOr(value['args']) ?? '', isStrict),
    deadlineMs,
    annotations: isObject(runtimeConfig[ANNOTATIONS]) ? stringMap(runtimeConfig[ANNOTATIONS]) : null,
    addresses: addressesOf(objectOr(config['prevResult'])),
    validContainers: containersOf(config),
  }
}

/** A name by its grammar; where the request is not strict, no name at all will do. */
function named(object: JsonObject, field: string, isStrict: boolean): string {
  const text = stringOr(object[field]) ?? ''
  if (NAME.test(text) || (!isStrict && text === '')) return text
  throw new Unreadable(`its ${field} is no name`)
}

function identity(args: string, isStrict: boolean): PodIdentity {
  const pairs = args.split(';').map((pair): readonly [string, string] => {
    const end = pair.indexOf('=')
    return end === -1 ? [pair, ''] : [pair.slice(0, end), pair.slice(end + 1)]
  })
  const given = Object.fromEntries(pairs)
  const [namespace, name, uid] = ['K8S_POD_NAMESPACE', 'K8S_POD_NAME', 'K8S_POD_UID'].map((key) =>
    named(given, key, isStrict),
  )
  return { namespace: namespace ?? '', name: name ?? '', uid: uid ?? '' }
}

/** Of every version of the result: `ips` since 0.3.0, `ip4` and `ip6` before. */
function addressesOf(result: JsonObject): readonly string[] {
  const old = ['ip4', 'ip6'].map((family) => stringOr(objectOr(result[family])['ip']))
  const all = [...objectsOf(result['ips']).map(({ address }) => stringOr(address)), ...old]
  return all.flatMap((address) => (address === undefined ? [] : [address.split('/')[0] ?? '']))
}

function containersOf(config: JsonObject): readonly string[] | null {
  const attachments = config['cni.dev/valid-attachments']
  if (attachments === undefined) return null
  return objectsOf(attachments).flatMap(({ containerID }) => stringOr(containerID) ?? [])
}
