import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Agent, request, type RequestOptions } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import type { TestContext } from 'node:test'
import { startWebhook, type Seams, type Webhook } from '../../../src/app/webhook/start.ts'
import type { WebhookOptions } from '../../../src/app/webhook/options.ts'
import { stringify } from '../../../src/core/json/parse.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { cluster } from './cluster.ts'

export interface Serving {
  readonly webhook: Webhook
  /** what was logged, one object a line */
  readonly lines: () => readonly Readonly<Record<string, unknown>>[]
  readonly logged: () => string
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** A webhook of the test's own on free ports of the loopback, stopped and gone when the test is over. */
export async function serve(t: TestContext, over: Partial<WebhookOptions> = {}, seams: Seams = {}): Promise<Serving> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-test-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const chunks: string[] = []
  const destination = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk.toString())
      done()
    },
  })
  const webhook = await startWebhook(
    {
      facts: { from: 'objects', objects: cluster() },
      certificates: { from: 'self-made', directory, names: ['127.0.0.1', 'localhost'] },
      listen: { host: '127.0.0.1', port: 0 },
      metrics: { host: '127.0.0.1', port: 0 },
      log: { level: 'debug', destination },
      ...over,
      limits: { drainMs: 0, ...over.limits },
    },
    seams,
  )
  t.after(() => webhook.close())
  const logged = (): string => chunks.join('')
  return {
    webhook,
    logged,
    lines: () =>
      logged()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>),
  }
}

const JSON_HEADERS = { 'content-type': 'application/json' }

/** One HTTPS request; a connection of its own unless an agent is given. */
export async function call(
  { webhook }: Pick<Serving, 'webhook'>,
  path: string,
  options: RequestOptions & { readonly body?: string | Buffer } = {},
): Promise<Answer> {
  const agent = options.agent ?? new Agent({ keepAlive: false })
  const { port } = webhook.address
  const sent = request({ host: '127.0.0.1', port, path, ca: webhook.ca(), ...options, agent })
  sent.end(options.body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return { status: response.statusCode ?? 0, headers: response.headers, text: await textOf(response) }
}

/** One review as the API server posts it. */
export async function post(
  serving: Pick<Serving, 'webhook'>,
  body: JsonObject | string | Buffer,
  {
    path = '/inject',
    headers = JSON_HEADERS,
    agent,
  }: { path?: string; headers?: Readonly<Record<string, string>>; agent?: Agent } = {},
): Promise<Answer> {
  const bytes = Buffer.isBuffer(body) || typeof body === 'string' ? body : stringify(body)
  return await call(serving, path, { method: 'POST', headers, body: bytes, ...(agent && { agent }) })
}

export interface ReviewResponse {
  readonly uid: string
  readonly allowed: boolean
  readonly patch?: string
  readonly patchType?: string
  readonly warnings?: readonly string[]
  readonly auditAnnotations?: Readonly<Record<string, string>>
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string }
}

/** The `response` of an answer. */
export function responseOf({ text }: Answer): ReviewResponse {
  return (JSON.parse(text) as { readonly response: ReviewResponse }).response
}

/** Everything that `/metrics` says. */
export async function metricsOf({ webhook }: Pick<Serving, 'webhook'>): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${webhook.metricsAddress.port}/metrics`)
  return await answer.text()
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
