import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { Alarms } from '../../../src/app/alarms.ts'
import { factAlarms } from '../../../src/app/webhook/alarms.ts'
import { DEFAULT_INSTALLATION } from '../../../src/app/webhook/options.ts'
import { webhookMetrics } from '../../../src/app/webhook/record.ts'
import type { FactSource } from '../../../src/app/webhook/snapshot.ts'
import { worldOf } from '../../../src/app/webhook/world.ts'
import { guardKeys } from '../../../src/core/registration/guard-keys.ts'
import { DEFAULT_POLICY } from '../../../src/core/settings/policy.ts'
import type { Reason } from '../../../src/core/vocabulary/reasons.ts'
import { createLogger } from '../../../src/edge/telemetry/logger.ts'
import { cluster, configMap } from './cluster.ts'

const GOOD: FactSource = worldOf(cluster(), DEFAULT_INSTALLATION)
const MAX = 1800
const TEMPLATES =
  'policy: enabled\ntemplates:\n  fine: "{}"\n  odd: |-\n    metadata:\n      labels: {{ env \"HOME\" }}\n'
const ODD_TEMPLATE = worldOf(
  [
    ...cluster().filter((object) => object['kind'] !== 'ConfigMap'),
    configMap('istio-system', 'istio', { mesh: '' }),
    configMap('istio-system', 'istio-sidecar-injector', { config: TEMPLATES, values: '{}' }),
  ],
  DEFAULT_INSTALLATION,
)

const DEFAULT_KEYS = guardKeys('default', DEFAULT_POLICY, {
  policy: 'enabled',
  neverInjectSelector: [],
  alwaysInjectSelector: [],
})

/** A cluster where the injector says `config`, and the policy's ConfigMap holds these keys, and those of another revision. */
function guarded(config: string, keys: Readonly<Record<string, string>>): FactSource {
  return worldOf(
    [
      ...cluster().filter((object) => object['kind'] !== 'ConfigMap'),
      configMap('istio-system', 'istio', { mesh: '' }),
      configMap('istio-system', 'istio-sidecar-injector', { config, values: '{}' }),
      configMap('sluice-system', 'sluice-policy', { policy: '', ...keys, 'guard.canary.optOut': 'deny' }),
    ],
    DEFAULT_INSTALLATION,
  )
}

const CASES: readonly {
  readonly name: string
  readonly source: Partial<FactSource>
  readonly want: readonly Reason[]
}[] = [
  { name: 'fresh facts', source: { ageSeconds: () => MAX }, want: [] },
  {
    name: 'facts older than maxStale',
    source: { ageSeconds: () => MAX + 0.4 },
    want: [{ code: 'facts_stale', args: { seconds: MAX + 1, maxSeconds: MAX } }],
  },
  {
    name: 'a version that cannot be used',
    source: { problems: () => new Map([['mesh', 'bad']]) },
    want: [{ code: 'configuration_unusable', args: { configuration: 'mesh', problem: 'bad' } }],
  },
  {
    name: 'a template that the interpreter does not know',
    source: { current: () => ODD_TEMPLATE.current() },
    want: [
      {
        code: 'template_unusable',
        args: { template: 'odd', line: 2, column: 14, problem: 'the function env is not supported' },
      },
    ],
  },
  {
    name: 'a guard that was told what the policy says',
    source: { current: () => guarded('policy: enabled', DEFAULT_KEYS).current() },
    want: [],
  },
  {
    name: 'a guard that was told nothing yet',
    source: { current: () => guarded('policy: enabled', {}).current() },
    want: [],
  },
  {
    name: 'a guard that goes by what the injector said before, and by a key of an older version',
    source: { current: () => guarded('policy: disabled', { ...DEFAULT_KEYS, 'guard.default.old': '' }).current() },
    want: [{ code: 'guard_keys_differ', args: { keys: 'guard.default.injection, guard.default.old' } }],
  },
  {
    name: 'no configuration at all',
    source: { current: () => ({ is: 'configuration', why: 'bad' }), problems: () => new Map([['mesh', 'bad']]) },
    want: [{ code: 'configuration_missing', args: { problem: 'bad' } }],
  },
  {
    name: 'nothing known yet',
    source: { current: () => ({ is: 'not_synced', why: 'not yet' }), ageSeconds: () => Infinity },
    want: [],
  },
]

for (const { name, source, want } of CASES)
  test(`with ${name} the alarms are: ${want.map(({ code }) => code).join(', ') || 'none'}`, () => {
    const given: FactSource = {
      current: () => GOOD.current(),
      ageSeconds: () => 0,
      problems: () => new Map(),
      ...source,
    }
    assert.deepEqual(factAlarms(given), want)
  })

test('an alarm is logged when it begins and when it is over, however its numbers change; the metric counts those that are on', async () => {
  const lines: string[] = []
  const destination = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push((JSON.parse(chunk.toString()) as { msg: string }).msg)
      done()
    },
  })
  const metrics = webhookMetrics()
  const alarms = new Alarms(createLogger({ level: 'info', destination }), (reason, count) =>
    metrics.set('sluice_alarms', { reason }, count),
  )
  const stale = (seconds: number): Reason => ({ code: 'facts_stale', args: { seconds, maxSeconds: 9 } })
  const bad = (configuration: string): Reason => ({
    code: 'configuration_unusable',
    args: { configuration, problem: 'bad' },
  })
  const metric = async (): Promise<readonly string[]> =>
    (await metrics.text()).split('\n').filter((line) => line.startsWith('sluice_alarms'))
  alarms.observe([stale(10), bad('mesh'), bad('policy')])
  alarms.observe([stale(15), bad('mesh'), bad('policy')])
  assert.equal(lines.length, 3)
  assert.match(lines[0] ?? '', /^alarm: the oldest fact about the cluster is 10 s old/)
  assert.deepEqual(await metric(), [
    'sluice_alarms{reason="facts_stale"} 1',
    'sluice_alarms{reason="configuration_unusable"} 2',
  ])
  alarms.observe([])
  assert.match(lines[3] ?? '', /^over: the oldest fact about the cluster is 15 s old/)
  assert.equal(lines.length, 6)
  assert.deepEqual(await metric(), [
    'sluice_alarms{reason="facts_stale"} 0',
    'sluice_alarms{reason="configuration_unusable"} 0',
  ])
})
