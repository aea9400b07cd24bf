import { fastify, type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Server } from 'node:https'
import type { Facts } from '../../core/decision/facts.ts'
import { type Check, checksPage } from '../../edge/telemetry/health.ts'
import type { ServingCertificate } from '../../edge/tls/certificate.ts'
import { AdmissionMemo, type Told } from './admission-memo.ts'
import { admit, type Call, textOf } from './admit.ts'
import { type Answer, answerOf, type Decide } from './answer.ts'
import { Failure, FAILURES } from './failure.ts'
import type { Limits } from './limits.ts'
import { Load, tooLarge } from './load.ts'
import { requireJson } from './media-type.ts'
import type { Recorder } from './record.ts'
import type { FactSource } from './snapshot.ts'

export type WebhookServer = FastifyInstance<Server>

export interface ServerParts {
  readonly source: FactSource
  readonly decide: Decide
  readonly record: Recorder
  readonly limits: Limits
  readonly certificate: ServingCertificate
  readonly checks: () => readonly Check[]
  readonly draining: () => boolean
}

/** How the server shows a certificate; given again whenever it changes, since a new context knows nothing of the old. */
export function secureContext({ cert, key }: ServingCertificate): { cert: string; key: string; minVersion: 'TLSv1.2' } {
  return { cert, key, minVersion: 'TLSv1.2' }
}

/** The HTTPS server of the webhook, not listening yet. It knows HTTP, bounds and bodies; what to answer is `admit`'s. */
export function createServer(parts: ServerParts): { readonly app: WebhookServer; readonly load: Load } {
  const { limits, certificate, record } = parts
  const load = new Load(limits)
  const app = fastify({
    // the API server speaks HTTP/1.1 to webhooks behind a Service; offering nothing else makes every client do so
    https: { ...secureContext(certificate), ALPNProtocols: ['http/1.1'] },
    bodyLimit: limits.bodyBytes,
    keepAliveTimeout: limits.keepAliveMs,
    requestTimeout: limits.requestMs,
    return503OnClosing: false, // a request that arrives while closing is answered like any other
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    frameworkErrors: (error, _request, reply) => {
      fail(reply, new Failure('malformed', error.message), record)
    },
  })
  app.server.maxConnections = limits.connections
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.setErrorHandler<FastifyError | Failure>((error, _request, reply) => fail(reply, failureOf(error, limits), record))
  app.setNotFoundHandler((request, reply) =>
    fail(reply, new Failure('not_found', `${request.method} ${request.url.slice(0, 100)} is not served here`), record),
  )
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (parts.draining()) reply.header('connection', 'close')
    done(null, payload)
  })
  addHealth(app, parts)
  const onRequest = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    record.arrived()
    requireJson(request.headers['content-type'])
    reply.raw.once('close', load.enter(announcedLength(request)))
    done()
  }
  const memo = new AdmissionMemo()
  const decide = (facts: Facts): Answer => answerOf(facts, parts.decide)
  const tell = (call: Call): Told => memo.of(call, parts.source, () => admit(call, parts.source, decide))
  const handler = (request: FastifyRequest, reply: FastifyReply): FastifyReply => inject(request, reply, tell, record)
  for (const url of ['/inject', '/inject/*']) app.post(url, { onRequest }, handler)
  return { app, load }
}

function inject(
  request: FastifyRequest,
  reply: FastifyReply,
  tell: (call: Call) => Told,
  record: Recorder,
): FastifyReply {
  const start = performance.now()
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const told = tell({ path: pathOf(request.url), text: textOf(body) })
  reply.header('content-type', 'application/json').send(told.text)
  record.answered(told, (performance.now() - start) / 1000)
  return reply
}

function addHealth(app: WebhookServer, { checks }: ServerParts): void {
  app.get('/healthz', (_request, reply) => reply.type('text/plain').send('ok\n'))
  app.get('/readyz', ({ url }, reply) => {
    const { status, type, text } = checksPage(checks(), new URL(url, 'https://any').searchParams)
    return reply.code(status).type(type).send(text)
  })
}

/** Where a bug ends, once for each request: it is counted, logged with its stack, and answered as the table of failures says. */
function fail(reply: FastifyReply, failure: Failure, record: Recorder): FastifyReply {
  record.failed(failure)
  const { status, again } = FAILURES[failure.code]
  if (again) reply.header('retry-after', '1')
  return reply.code(status).type('text/plain; charset=utf-8').send(`${failure.message}\n`)
}

function failureOf(error: FastifyError | Failure, { bodyBytes }: Limits): Failure {
  if (error instanceof Failure) return error
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return tooLarge(bodyBytes)
  if (error.statusCode !== undefined && error.statusCode < 500) return new Failure('malformed', error.message)
  return new Failure('internal', 'sluice failed on this request; its log says why', { cause: error })
}

function announcedLength({ headers }: FastifyRequest): number | undefined {
  const length = headers['content-length']
  return length === undefined ? undefined : Number(length)
}

/** The path of a URL, escapes decoded as Go does it; the router has refused what cannot be decoded. */
function pathOf(url: string): string {
  const query = url.indexOf('?')
  return decodeURIComponent(query === -1 ? url : url.slice(0, query))
}
