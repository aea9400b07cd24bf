import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent, createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pipeline, Transform } from 'node:stream'
import type { Duplex } from 'node:stream'
import type { ApiServer } from '../../scripts/cluster/api-server.ts'
import type { Connection } from '../../src/edge/cluster/connection.ts'

/** What the proxy does with a request instead of passing it on as it is; undefined: nothing. */
export type Trick =
  | { readonly answer: number; readonly headers?: Readonly<Record<string, string>> }
  /** parameters of the query to set */
  | { readonly query: Readonly<Record<string, string>> }
  /** lines of the answer that contain the text are lost */
  | { readonly lose: string }
  | undefined

/** Stands between a client and a real API server, and causes what networks and servers do on bad days. */
export interface ApiProxy {
  /** how a client reaches the API server through it */
  readonly connection: Connection
  /** path and query of each request that came */
  readonly requests: readonly URL[]
  /** asked for each request */
  trick: (url: URL) => Trick
  /** Cuts every connection. */
  readonly kill: () => void
  /** From now on no byte of any open answer comes through, and no connection is closed. */
  readonly silence: () => void
  /** Refuses connections until `accept`. */
  readonly refuse: () => Promise<void>
  readonly accept: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Starts a proxy before `api`; whatever comes through it without a token of its own acts as the administrator of `api`. */
export async function startApiProxy(api: ApiServer): Promise<ApiProxy> {
  const file = (name: string): string => readFileSync(join(api.directory, name), 'utf8')
  const user = adminOf(api.kubeconfig)
  const requests: URL[] = []
  const sockets = new Set<Duplex>()
  const answers = new Set<IncomingMessage>()
  const server = createServer({ cert: file('server.crt'), key: file('server.key') }, (incoming, outgoing) => {
    const url = new URL(incoming.url ?? '/', api.url)
    requests.push(url)
    const trick = proxy.trick(url)
    if (trick !== undefined && 'answer' in trick) {
      outgoing.writeHead(trick.answer, { 'content-type': 'application/json', ...trick.headers })
      outgoing.end(JSON.stringify({ kind: 'Status', reason: 'Tricked', message: 'the proxy says no' }))
      return
    }
    const passed = new URL(url)
    if (trick !== undefined && 'query' in trick)
      for (const [key, value] of Object.entries(trick.query)) passed.searchParams.set(key, value)
    const { method, headers } = incoming
    const identity = headers.authorization === undefined ? user : {}
    const onward = request(passed, { method, headers, ca: api.ca, ...identity }, (answer) => {
      answers.add(answer)
      answer.once('close', () => answers.delete(answer))
      pass(answer, outgoing, trick !== undefined && 'lose' in trick ? trick.lose : undefined)
    })
    onward.on('error', () => outgoing.destroy())
    outgoing.once('close', () => onward.destroy())
    incoming.pipe(onward)
  })
  server.on('secureConnection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const kill = (): void => sockets.forEach((socket) => socket.destroy())
  const listen = async (port: number): Promise<number> => {
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve))
    kill()
    await closed
  }
  const port = await listen(0)
  const agent = new Agent({ ca: api.ca, keepAlive: true })
  const proxy: ApiProxy = {
    connection: { server: `https://127.0.0.1:${port}`, options: () => Promise.resolve({ agent }) },
    requests,
    trick: () => undefined,
    kill,
    silence: () => answers.forEach((answer) => answer.unpipe().pause()),
    refuse: close,
    accept: async () => {
      await listen(port)
    },
    stop: async () => {
      await close()
      agent.destroy()
    },
  }
  return proxy
}

function pass(answer: IncomingMessage, outgoing: ServerResponse, lose: string | undefined): void {
  outgoing.writeHead(answer.statusCode ?? 0, answer.headers)
  outgoing.flushHeaders()
  if (lose === undefined) answer.pipe(outgoing)
  else pipeline(answer, withoutLines(lose), outgoing, () => undefined)
  answer.on('error', () => outgoing.destroy())
  answer.on('aborted', () => outgoing.destroy())
}

function withoutLines(text: string): Transform {
  let rest = ''
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const lines = `${rest}${chunk.toString('utf8')}`.split('\n')
      rest = lines.pop() ?? ''
      done(
        null,
        lines
          .filter((line) => !line.includes(text))
          .map((line) => `${line}\n`)
          .join(''),
      )
    },
  })
}

function adminOf(kubeconfig: string): { readonly cert: Buffer; readonly key: Buffer } {
  const { users } = JSON.parse(readFileSync(kubeconfig, 'utf8')) as {
    users: readonly { user: Readonly<Record<string, string>> }[]
  }
  const field = (name: string): Buffer => Buffer.from(users[0]?.user[name] ?? '', 'base64')
  return { cert: field('client-certificate-data'), key: field('client-key-data') }
}
