import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkLines, checks } from '../../../src/app/webhook/readiness.ts'
import type { FactSource } from '../../../src/app/webhook/snapshot.ts'
import { worldOf } from '../../../src/app/webhook/world.ts'
import { DEFAULT_INSTALLATION } from '../../../src/app/webhook/options.ts'
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
    name: 'no configuration',
    source: facts({ current: () => ({ is: 'configuration', why: 'none' }) }),
    line: '[!]configuration alarm: none',
  },
  {
    name: 'a bad configuration',
    source: facts({ problems: () => new Map([['mesh', 'bad']]) }),
    line: '[!]mesh alarm: bad; the last good version is used',
  },
  {
    name: 'stale facts',
    source: facts({ ageSeconds: () => 101.4 }),
    line: '[!]facts alarm: the oldest fact is 101 s old',
  },
]

for (const { name, source = facts({}), certificates: given = FRESH, draining = false, line } of CASES)
  test(`with ${name} the check says: ${line}`, () => {
    const all = checks(source, given, { draining, maxStaleSeconds: 100, now: NOW })
    assert.ok(checkLines(all).split('\n').includes(line), checkLines(all))
    assert.equal(all.filter(({ is }) => is !== 'ok').length, 1)
  })

test('alarms do not make a replica unready: they hold for all of them', () => {
  const source = facts({ ageSeconds: () => 1e6, problems: () => new Map([['policy', 'bad']]) })
  const all = checks(source, FRESH, { draining: false, maxStaleSeconds: 100, now: NOW })
  assert.deepEqual(
    all.map(({ is }) => is).filter((is) => is !== 'ok'),
    ['alarm', 'alarm'],
  )
})
