import type { CertificateSource } from '../../edge/tls/source.ts'
import type { FactSource } from './snapshot.ts'

/** One thing that readiness looks at. */
export interface Check {
  readonly name: string
  /** `alarm`: a person should look, but taking this replica out would take all of them out */
  readonly is: 'ok' | 'alarm' | 'failed'
  readonly detail: string
}

/**
 * What `/readyz` goes by. Not ready: told to stop, no certificate that is valid now, or never synced. Facts that are old and
 * a configuration that cannot be used are alarms: they hold for every replica alike.
 */
export function checks(
  source: FactSource,
  certificates: CertificateSource,
  {
    draining,
    maxStaleSeconds,
    now,
  }: { readonly draining: boolean; readonly maxStaleSeconds: number; readonly now: Date },
): readonly Check[] {
  const current = source.current()
  const age = Math.round(source.ageSeconds())
  const notAfter = certificates.current()?.notAfter.toISOString()
  return [
    draining
      ? { name: 'running', is: 'failed', detail: 'the server was told to stop' }
      : { name: 'running', is: 'ok', detail: 'requests are taken' },
    certificates.healthy(now)
      ? { name: 'certificate', is: 'ok', detail: `valid until ${notAfter ?? 'unknown'}` }
      : {
          name: 'certificate',
          is: 'failed',
          detail: notAfter === undefined ? 'there is none' : `not valid now; it ends at ${notAfter}`,
        },
    current.is === 'not_synced'
      ? { name: 'synced', is: 'failed', detail: current.why }
      : { name: 'synced', is: 'ok', detail: 'the cluster was read once' },
    current.is === 'configuration'
      ? { name: 'configuration', is: 'alarm', detail: current.why }
      : { name: 'configuration', is: 'ok', detail: 'there is one to decide by' },
    ...[...source.problems()].map(([name, why]): Check => ({
      name,
      is: 'alarm',
      detail: `${why}; the last good version is used`,
    })),
    age > maxStaleSeconds
      ? { name: 'facts', is: 'alarm', detail: `the oldest fact is ${age} s old` }
      : { name: 'facts', is: 'ok', detail: `the oldest fact is ${age} s old` },
  ]
}

const SIGNS = { ok: '[+]', alarm: '[!]', failed: '[-]' } as const

/** One line for each check, as Kubernetes' own servers print them. */
export function checkLines(all: readonly Check[]): string {
  return all.map(({ name, is, detail }) => `${SIGNS[is]}${name} ${is}: ${detail}\n`).join('')
}
