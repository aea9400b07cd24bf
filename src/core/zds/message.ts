import { bytesField, type Field, fieldsOf, joined, textField, textOf } from './protobuf.ts'

/**
 * The messages between a node agent and ztunnel (proto3 package `istio.workload.zds`, cni.md §6.2). One datagram is one
 * message. Only `add` goes with a descriptor, that of the pod's network namespace.
 */

/** What ztunnel takes a workload's identity from. */
export interface WorkloadInfo {
  readonly name: string
  readonly namespace: string
  readonly serviceAccount: string
}

/** What an agent says. `keep` is for a pod whose namespace the agent has not found again: ztunnel goes on as it was. */
export type ZdsRequest =
  | { readonly is: 'add'; readonly uid: string; readonly info: WorkloadInfo }
  | { readonly is: 'keep'; readonly uid: string }
  | { readonly is: 'del'; readonly uid: string }
  | { readonly is: 'snapshot-sent' }

/** What ztunnel says, or what is wrong with it. */
export type ZdsAnswer =
  | { readonly is: 'ack' }
  /** ztunnel could not do it; it keeps an `add` and tries again by itself */
  | { readonly is: 'nack'; readonly error: string }
  | Malformed
export type ZdsHello = { readonly is: 'hello' } | Malformed
interface Malformed {
  readonly is: 'malformed'
  readonly problem: string
}

/** The version of the protocol, `V1`. */
const VERSION = 1n
/** ztunnel reads into a buffer of this many bytes and breaks the connection over a longer message. */
const LONGEST_MESSAGE = 1024

/** The bytes of `request`. Throws a RangeError where ztunnel could not read it, which names within Kubernetes' limits never cause. */
export function encodeRequest(request: ZdsRequest): Uint8Array {
  const bytes = encode(request)
  if (bytes.length > LONGEST_MESSAGE)
    throw new RangeError(`a message of ${bytes.length} bytes is longer than the ${LONGEST_MESSAGE} that ztunnel reads`)
  return bytes
}

function encode(request: ZdsRequest): Uint8Array {
  switch (request.is) {
    case 'add': {
      const { name, namespace, serviceAccount } = request.info
      const info = joined([textField(1, name), textField(2, namespace), textField(3, serviceAccount)])
      return bytesField(1, joined([textField(1, request.uid), bytesField(2, info)]))
    }
    case 'del':
      return bytesField(2, textField(2, request.uid))
    case 'snapshot-sent':
      return bytesField(3, new Uint8Array())
    case 'keep':
      return bytesField(5, textField(1, request.uid))
  }
}

/** The first message of a connection. Another version than V1 is refused: what it would mean is not known. */
export function decodeHello(message: Uint8Array): ZdsHello {
  return reading(message, (fields) => {
    const version = fields.findLast((field) => field.number === 1)
    if (version?.is !== 'varint') return malformed('it is no hello: it names no version')
    if (version.value !== VERSION) return malformed(`it is a hello of version ${version.value}, and V1 is spoken here`)
    return { is: 'hello' } as const
  })
}

/** Every further message of a connection: the answer to the request before it. */
export function decodeAnswer(message: Uint8Array): ZdsAnswer {
  return reading(message, (fields) => {
    const ack = fields.findLast((field) => field.number === 1)
    if (ack?.is !== 'bytes') return malformed('it is no answer: it holds no ack')
    const error = fieldsOf(ack.bytes).findLast((field) => field.number === 1)
    if (error === undefined) return { is: 'ack' } as const
    if (error.is !== 'bytes') return malformed('the error of its ack is no text')
    const text = textOf(error.bytes)
    return text === '' ? ({ is: 'ack' } as const) : ({ is: 'nack', error: text } as const)
  })
}

function reading<T>(message: Uint8Array, read: (fields: readonly Field[]) => T): T | Malformed {
  try {
    return read(fieldsOf(message))
  } catch (error) {
    if (error instanceof SyntaxError) return malformed(error.message)
    throw error
  }
}

function malformed(problem: string): Malformed {
  return { is: 'malformed', problem }
}
