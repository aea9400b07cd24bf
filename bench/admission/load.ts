/** The load generator: as little work of its own as possible, since it shares the machine with the server. */
import { once } from 'node:events'
import { connect } from 'node:tls'
import { reviewBody } from './review-body.ts'

export interface LoadOrder {
  readonly port: number
  readonly ca: string
  readonly connections: number
  /** of all connections together */
  readonly requests: number
}

export interface LoadResult {
  readonly latenciesMs: readonly number[]
  readonly seconds: number
}

const body = reviewBody()
const REQUEST = Buffer.from(
  `POST /inject?timeout=5s HTTP/1.1\r\nHost: sluice.sluice-system.svc\r\nContent-Type: application/json\r\n` +
    `Accept: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
)
const HEAD_END = '\r\n\r\n'

process.on('message', (order: LoadOrder) => {
  void run(order).then((result) => process.send?.(result))
})
process.on('disconnect', () => process.exit())

async function run({ port, ca, connections, requests }: LoadOrder): Promise<LoadResult> {
  const latenciesMs: number[] = []
  const sockets = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect({ host: '127.0.0.1', port, ca })
      await once(socket, 'secureConnect')
      return socket
    }),
  )
  const start = performance.now()
  let left = requests
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve, reject) => {
          let sent = 0
          let missing = 0
          const next = (): void => {
            if (left-- <= 0) {
              socket.destroy()
              resolve()
              return
            }
            sent = performance.now()
            socket.write(REQUEST)
          }
          socket.on('error', reject)
          socket.on('data', (chunk: Buffer) => {
            missing = missing === 0 ? bytesMissing(chunk) : missing - chunk.length
            if (missing !== 0) return
            latenciesMs.push(performance.now() - sent)
            next()
          })
          next()
        }),
    ),
  )
  return { latenciesMs, seconds: (performance.now() - start) / 1000 }
}

/** How much of the answer is still to come after its first chunk, which holds the whole head. */
function bytesMissing(chunk: Buffer): number {
  const head = chunk.subarray(0, chunk.indexOf(HEAD_END)).toString('latin1')
  if (!head.startsWith('HTTP/1.1 200')) throw new Error(`not answered: ${head.split('\r\n')[0] ?? ''}`)
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1])
  return head.length + HEAD_END.length + length - chunk.length
}
