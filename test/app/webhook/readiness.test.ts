import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checks } from '../../../src/app/webhook/readiness.ts'
import { checkLines } from '../../../src/edge/telemetry/health.ts'
import type { FactSource } from '../../../src/app/webhook/snapshot.ts'
import { worldOf } from '../../../src/app/webhook/world.ts'
import { DEFAULT_INSTALLATION } from '../../../src/app/webhook/options.ts'
import type { Reason } from '../../../src/core/vocabulary/reasons.ts'
import type { CertificateSource } from '../../../src/edge/tls/source.ts'
import { cluster } from './cluster.ts'

const NOW = new Date('2030-01-01T00:00:00Z')
const certificates = (notAfter: Date | undefined): CertificateSource => ({
  current: () => (notAfter === undefined ? undefined : { cert: '', key: '', ca: '', notBefore: new Date(0), notAfter }),
  healthy: (now) => notAfter !== undefined && now < notAfter,
  onChange: () => undefined,
  refresh: () => Promise.resolve(),
  run: () => Promise.resolve(),
})
const FRESH = certificates(new Date('2030-02-01T00:00:00Z'))
const GOOD: FactSource = worldOf(cluster(), DEFAULT_INSTALLATION)
const facts = (over: Partial<FactSource>): FactSource => ({
  current: () => GOOD.current(),
  ageSeconds: () => 0,
  problems: () => new Map(),
  ...over,
})

const CASES: readonly {
  readonly name: string
  readonly source?: FactSource
  readonly certificates?: CertificateSource
  readonly draining?: boolean
  readonly alarms?: readonly Reason[]
  readonly line: string
}[] = [
  { name: 'told to stop', draining: true, line: '[-]running failed: the server was told to stop' },
  { name: 'no certificate', certificates: certificates(undefined), line: '[-]certificate failed: there is none' },
  {
    name: 'an expired certificate',
    certificates: certificates(NOW),
    line: '[-]certificate failed: not valid now; it ends at 2030-01-01T00:00:00.000Z',
  },
  {
    name: 'never synced',
    source: facts({ current: () => ({ is: 'not_synced', why: 'not yet' }) }),
    line: '[-]synced failed: not yet',
  },
  {
    name: 'an alarm',
    alarms: [{ code: 'configuration_missing', args: { problem: 'none' } }],
    line: '[!]configuration_missing alarm: there are no settings to base decisions on: none',
  },
]

for (const { name, source = facts({}), certificates: given = FRESH, draining = false, alarms = [], line } of CASES)
  test(`with ${name} the check says: ${line}`, () => {
    const all = checks(source, given, { draining, alarms, now: NOW })
    assert.ok(checkLines(all).split('\n').includes(line), checkLines(all))
    assert.equal(all.filter(({ is }) => is !== 'ok').length, 1)
  })
