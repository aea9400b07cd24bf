import type { Page } from './page-server.ts'

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

/** `checks` as a page: 200 unless one has failed, else 503 and what each one says; `?verbose` says it always. */
export function checksPage(checks: readonly Check[], query: URLSearchParams): Page {
  const good = checks.every(({ is }) => is !== 'failed')
  const lines = query.has('verbose') || !good ? checkLines(checks) : ''
  return { status: good ? 200 : 503, type: 'text/plain', text: `${lines}${good ? 'ok' : 'not ok'}\n` }
}
