/** The load generator: as little work of its own as possible, since it shares the machine with the server. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'
import { another, reviewBody, type ReviewName } from './reviews.ts'

export interface LoadOrder {
  readonly port: number
  readonly ca: string
  readonly review: ReviewName
  /** the ReplicaSet of each pod: one for all, unless told otherwise */
  readonly replicaSet?: 'same' | 'own'
  readonly connections: number
  /** of all connections together */
  readonly requests: number
  /** a new connection for each request */
  readonly fresh?: boolean
  /** no more than this; absent: as many as are answered */
  readonly perSecond?: number
}

export interface LoadResult {
  readonly latenciesMs: readonly number[]
  readonly seconds: number
}

const HEAD_END = '\r\n\r\n'

process.on('message', (order: LoadOrder) => {
  void run(order).then((result) => process.send?.(result))
})
process.on('disconnect', () => process.exit())

async function run(order: LoadOrder): Promise<LoadResult> {
  const latenciesMs: number[] = []
  const body = reviewBody(order.review)
  const start = performance.now()
  let sent = 0
  const one = async (): Promise<void> => {
    let socket = await open(order)
    for (let number = sent++; number < order.requests; number = sent++) {
      const dueMs = order.perSecond === undefined ? 0 : (number / order.perSecond) * 1000 - (performance.now() - start)
      if (dueMs > 1) await sleep(dueMs)
      const request = requestOf(another(body, number, order.replicaSet ?? 'same'))
      const before = performance.now()
      if (order.fresh === true && number > 0) {
        socket.destroy()
        socket = await open(order)
      }
      await answered(socket, request)
      latenciesMs.push(performance.now() - before)
    }
    socket.destroy()
  }
  await Promise.all(Array.from({ length: order.connections }, one))
  return { latenciesMs, seconds: (performance.now() - start) / 1000 }
}

function requestOf(body: string): Buffer {
  return Buffer.from(
    `POST /inject?timeout=5s HTTP/1.1\r\nHost: sluice.sluice-system.svc\r\nContent-Type: application/json\r\n` +
      `Accept: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

async function open({ port, ca }: LoadOrder): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, ca })
  await once(socket, 'secureConnect')
  return socket
}

/** Resolves when the whole answer is there. */
async function answered(socket: TLSSocket, request: Buffer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>()
  let missing = 0
  const onData = (chunk: Buffer): void => {
    missing = missing === 0 ? bytesMissing(chunk) : missing - chunk.length
    if (missing === 0) resolve(undefined)
  }
  const onClose = (): void => reject(new Error('the server closed the connection'))
  socket.on('data', onData).on('error', reject).on('close', onClose).write(request)
  await promise
  socket.off('data', onData).off('error', reject).off('close', onClose)
}

/** How much of the answer is still to come after its first chunk, which holds the whole head. */
function bytesMissing(chunk: Buffer): number {
  const head = chunk.subarray(0, chunk.indexOf(HEAD_END)).toString('latin1')
  if (!head.startsWith('HTTP/1.1 200')) throw new Error(`not answered: ${head.split('\r\n')[0] ?? ''}`)
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1])
  return head.length + HEAD_END.length + length - chunk.length
}
