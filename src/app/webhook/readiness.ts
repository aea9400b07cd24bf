import { sentence, type Reason } from '../../core/vocabulary/reasons.ts'
import type { Check } from '../../edge/telemetry/health.ts'
import type { CertificateSource } from '../../edge/tls/source.ts'
import type { FactSource } from './snapshot.ts'

/**
 * What `/readyz` goes by. Not ready: told to stop, no certificate that is valid now, or never synced. `alarms` are facts
 * that are old, a configuration that cannot be used and the like: they hold for every replica alike.
 */
export function checks(
  source: FactSource,
  certificates: CertificateSource,
  { draining, alarms, now }: { readonly draining: boolean; readonly alarms: readonly Reason[]; readonly now: Date },
): readonly Check[] {
  const current = source.current()
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
      : { name: 'synced', is: 'ok', detail: `the oldest fact is ${Math.round(source.ageSeconds())} s old` },
    ...alarms.map((reason): Check => ({ name: reason.code, is: 'alarm', detail: sentence(reason) })),
  ]
}
