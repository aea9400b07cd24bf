import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Judgement, Measured, Verdict } from '../../../src/core/redirection/evidence.ts'
import { cureOf } from '../../../src/core/repair/cure.ts'
import type { Reason } from '../../../src/core/vocabulary/reasons.ts'

const WHAT = 'outbound IPv4 traffic'
const measured = (holds: boolean | null, reason: Reason): Measured => ({
  ...{ class: 'outbound', family: 4, address: '192.0.2.1' },
  ...{ holds, reason },
})
const BYPASS = measured(false, { code: 'redirection_bypassed', args: { what: WHAT, port: 15001, instead: 'it left' } })
const LOOP = measured(false, { code: 'proxy_traffic_loops', args: { what: WHAT, instead: 'port 15001 took it' } })
const HOLDS = measured(true, { code: 'redirection_seen', args: { what: WHAT, port: 15001 } })
const DEAF: Reason = { code: 'proxy_not_listening', args: { what: WHAT, port: 15001 } }
const LOST: Reason = { code: 'rules_missing', args: { rules: 'one' } }

function verdict(is: Judgement, all: readonly Measured[], also: readonly Reason[] = []): Verdict {
  return { is, measured: all, also }
}

test('what holds needs no cure', () => {
  assert.equal(cureOf({ mode: 'cni', verdict: verdict('redirected', [HOLDS]), attempts: 0 }), 'none')
})

test('rules that are gone are made again, and another sandbox is asked for where that did not last', () => {
  for (const broken of [verdict('bypassing', [BYPASS]), verdict('partial', [HOLDS], [LOST])])
    for (const mode of ['cni', 'ambient'] as const)
      assert.deepEqual(
        [0, 1, 2, 3].map((attempts) => cureOf({ mode, verdict: broken, attempts })),
        ['reprogramme', 'reprogramme', 'evict', 'evict'],
      )
})

test('rules that an init container made are made again by nobody but its pod in another sandbox', () => {
  assert.equal(cureOf({ mode: 'init', verdict: verdict('bypassing', [BYPASS]), attempts: 0 }), 'evict')
})

test('what rules cannot mend is told: a proxy that is away, one that redirection loops back to, and what is unknown', () => {
  for (const other of [verdict('partial', [HOLDS], [DEAF]), verdict('partial', [HOLDS, LOOP]), verdict('unknown', [])])
    assert.equal(cureOf({ mode: 'cni', verdict: other, attempts: 0 }), 'tell')
})
