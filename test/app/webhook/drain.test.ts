import assert from 'node:assert/strict'
import { once } from 'node:events'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, TLSSocket } from 'node:tls'
import { test } from 'node:test'
import { DEFAULT_LIMITS } from '../../../src/app/webhook/limits.ts'
import type { Webhook } from '../../../src/app/webhook/start.ts'
import { pod, review } from './cluster.ts'
import { call, metricsOf, post, responseOf, serve, type Serving } from './serving.ts'

/** A connection on which a test writes what it likes. */
async function raw({ address, ca }: Webhook): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port: address.port, ca: ca() })
  await once(socket, 'secureConnect')
  return socket
}

function head(length: number): string {
  return `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`
}

async function read(socket: TLSSocket): Promise<string> {
  let text = ''
  for await (const chunk of socket as AsyncIterable<Buffer>) text += chunk.toString()
  return text
}

/** Looks again and again, bounded, until `condition` holds. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let look = 0; look < 5000; look++) {
    if (await condition()) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.fail('the condition never held')
}

test('a stop under load loses no request: callers that obey readiness and Connection: close find the other replica', async (t) => {
  const first = await serve(t, { limits: { drainMs: 1000 } })
  const second = await serve(t)
  const agents = new Map([first, second].map((serving) => [serving, new Agent({ keepAlive: true })]))
  let target = first
  let stopping = false
  let finished = 0
  const callers = Array.from({ length: 16 }, async () => {
    for (let left = 20; left > 0;) {
      const to: Serving = target
      const answer = await post(to, review(pod(), 'ambient'), { agent: agents.get(to) ?? new Agent() })
      assert.equal(responseOf(answer).allowed, true)
      if (answer.headers.connection === 'close') target = second // as endpoints are taken out of a Service
      finished++
      if (stopping) left--
    }
  })
  await until(() => finished > 50)
  const stopped = first.webhook.close()
  stopping = true
  await Promise.all([...callers, stopped])
  assert.equal(target, second)
  for (const agent of agents.values()) agent.destroy()
  await assert.rejects(post(first, review(pod())), /ECONNREFUSED/)
})

test('first it is not ready, while it still answers and asks for the connection to be closed; closing twice is closing once', async (t) => {
  const serving = await serve(t, { limits: { drainMs: 300 } })
  const stopped = serving.webhook.close()
  const ready = await call(serving, '/readyz')
  assert.equal(ready.status, 503)
  assert.match(ready.text, /^\[-\]running failed: the server was told to stop$/m)
  const answer = await post(serving, review(pod(), 'ambient'))
  assert.deepEqual([answer.status, answer.headers.connection], [200, 'close'])
  await Promise.all([stopped, serving.webhook.close()])
})

test('a request whose body is still coming when the stop begins is answered', async (t) => {
  const { webhook } = await serve(t)
  const body = JSON.stringify(review(pod(), 'ambient'))
  const socket = await raw(webhook)
  socket.write(head(body.length) + body.slice(0, 10))
  await until(async () => /^sluice_admission_in_flight 1$/m.test(await metricsOf({ webhook })))
  const stopped = webhook.close()
  socket.write(body.slice(10))
  assert.match(await read(socket), /^HTTP\/1\.1 200 OK\r\n(.|\r\n)*connection: close/i)
  await stopped
})

test('a request that never ends holds a stop up for a bounded time only', async (t) => {
  const { webhook } = await serve(t, { limits: { closeMs: 50 } })
  const socket = await raw(webhook)
  socket.on('error', () => undefined).write(`${head(100)}{`)
  await until(async () => /^sluice_admission_in_flight 1$/m.test(await metricsOf({ webhook })))
  await webhook.close()
  await until(() => socket.closed)
})

test('what is too much at once is told to come again, at once and by name; then there is room again', async (t) => {
  const serving = await serve(t, { limits: { inFlight: 1 } })
  const socket = await raw(serving.webhook)
  socket.on('error', () => undefined).write(`${head(100)}{`)
  await until(async () => /^sluice_admission_in_flight 1$/m.test(await metricsOf(serving)))
  const shed = await post(serving, review(pod(), 'ambient'))
  assert.deepEqual([shed.status, shed.headers['retry-after']], [429, '1'])
  assert.match(shed.text, /^1 requests are being answered; try again in a second$/m)
  assert.match(await metricsOf(serving), /^sluice_admission_failures_total\{cause="overloaded"\} 1$/m)
  assert.equal((await call(serving, '/readyz')).status, 200)
  socket.destroy()
  await until(async () => (await post(serving, review(pod(), 'ambient'))).status === 200)
})

test('the server outlasts the idle connections of the API server', async (t) => {
  assert.ok(DEFAULT_LIMITS.keepAliveMs > 90_000)
  const answer = await post(await serve(t), review(pod(), 'ambient'), { agent: new Agent({ keepAlive: true }) })
  assert.equal(answer.headers['keep-alive'], `timeout=${DEFAULT_LIMITS.keepAliveMs / 1000}`)
})

test('certificates that somebody else replaces are served without a restart, and no call is lost', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-test-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const makers = await Promise.all(
    ['a', 'b'].map((name) =>
      serve(t, { certificates: { from: 'self-made', directory: join(directory, name), names: ['127.0.0.1'] } }),
    ),
  )
  const bundle = makers.map(({ webhook }) => webhook.ca()).join('')
  const use = (name: string): Promise<void> =>
    cp(join(directory, name, 'current'), join(directory, 'used'), { recursive: true, dereference: true })
  await use('a')
  const [certFile, keyFile] = ['tls.crt', 'tls.key'].map((name) => join(directory, 'used', name))
  assert.ok(certFile !== undefined && keyFile !== undefined)
  const serving = await serve(t, { certificates: { from: 'files', certFile, keyFile } })
  const serials = new Set<string>()
  const probe = async (): Promise<void> => {
    const { port } = serving.webhook.address
    const sent = request({
      host: '127.0.0.1',
      port,
      path: '/healthz',
      ca: bundle,
      agent: new Agent({ maxCachedSessions: 0 }),
    })
    sent.on('socket', (socket) => {
      assert.ok(socket instanceof TLSSocket)
      socket.once('secureConnect', () => serials.add(socket.getPeerCertificate().serialNumber))
    })
    sent.end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    assert.equal(response.statusCode, 200)
    response.resume()
  }
  await probe()
  await use('b')
  await until(async () => {
    await probe()
    return serials.size === 2
  })
})
