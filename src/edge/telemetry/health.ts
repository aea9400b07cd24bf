import type { FastifyInstance } from 'fastify'
import type { AddressInfo } from 'node:net'

/** One thing that readiness or health looks at. */
export interface Check {
  readonly name: string
  /** `alarm`: a person should look, but taking this process out would help nobody */
  readonly is: 'ok' | 'alarm' | 'failed'
  readonly detail: string
}

const SIGNS = { ok: '[+]', alarm: '[!]', failed: '[-]' } as const

/** One line for each check, as Kubernetes' own servers print them. */
export function checkLines(all: readonly Check[]): string {
  return all.map(({ name, is, detail }) => `${SIGNS[is]}${name} ${is}: ${detail}\n`).join('')
}

/** Serves `checks` at `path`: 200 unless one has failed, else 503 and what each one says; `?verbose` says it always. */
export function serveChecks(app: Pick<FastifyInstance, 'get'>, path: string, checks: () => readonly Check[]): void {
  app.get<{ Querystring: { readonly verbose?: string } }>(path, (request, reply) => {
    const all = checks()
    const good = all.every(({ is }) => is !== 'failed')
    const verbose = request.query.verbose !== undefined || !good
    return reply
      .code(good ? 200 : 503)
      .type('text/plain')
      .send(`${verbose ? checkLines(all) : ''}${good ? 'ok' : 'not ok'}\n`)
  })
}

/** An address to listen on; port 0 takes any that is free. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** Where a server listens. */
export function addressOf(app: { readonly server: { address(): AddressInfo | string | null } }): AddressInfo {
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new Error('the server listens on an IP address')
  return address
}
