import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PreparedRules } from '../../../src/app/agent/prepared-rules.ts'
import { address, port } from '../../../src/core/intent/grammar.ts'
import { BARE_SIDECAR, type Intent } from '../../../src/core/intent/intent.ts'
import { compareRules } from '../../../src/core/redirection/comparison.ts'
import { IPTABLES } from '../../../src/core/redirection/iptables.ts'
import { networkOf } from '../../../src/core/redirection/network.ts'
import { NFTABLES } from '../../../src/core/redirection/nftables.ts'
import { rulesOf } from '../../../src/core/redirection/rules-of.ts'
import { PROBE_SOURCE } from '../../../src/core/vocabulary/ports.ts'
import { anyIntent } from '../../core/intent/any-intent.ts'

const AMBIENT = {
  dnsCapture: true,
  probeSource: { 4: address.parse(PROBE_SOURCE.v4), 6: address.parse(PROBE_SOURCE.v6) },
}
const families = fc.constantFrom([4] as const, [4, 6] as const)

/** A pod that keeps so many ports from its proxy. */
function without(...ports: readonly number[]): Intent {
  return {
    ...BARE_SIDECAR,
    outboundCidrs: '*',
    outboundPortsExcluded: ports.map((number) => port.parse(String(number))),
  }
}

test('what is remembered is what preparing it again would give, whoever came before', () => {
  const prepared = new PreparedRules(AMBIENT)
  let remembered = 0
  const pods = fc.array(fc.tuple(anyIntent, families), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(pods, (some) => {
      for (const [intent, of] of [...some, ...some]) {
        const got = prepared.of(intent, of)
        if (prepared.of(structuredClone(intent), of) === got) remembered++
        const model = rulesOf(intent, { network: { families: of, resolvers: null }, ambient: AMBIENT })
        assert.deepEqual(got.model, model)
        assert.deepEqual(got.network, networkOf(intent, of))
        assert.equal(got.isNothing, compareRules(model, { ...model, chains: [] }).missing.length === 0)
        assert.deepEqual(got.additions('nftables'), NFTABLES.render(model))
        assert.deepEqual(got.additions('iptables'), IPTABLES.render(model))
      }
    }),
  )
  assert.ok(remembered > 100, `${remembered}`)
})

test('the oldest of many is forgotten, and what is long is never kept', () => {
  const prepared = new PreparedRules(AMBIENT)
  const first = prepared.of(without(1), [4])
  for (let number = 2; number <= 32; number++) prepared.of(without(number), [4])
  assert.equal(prepared.of(without(1), [4]), first)
  prepared.of(without(33), [4])
  assert.notEqual(prepared.of(without(1), [4]), first)

  const long = without(...Array.from({ length: 500 }, (_, index) => index + 1))
  assert.notEqual(prepared.of(long, [4]), prepared.of(long, [4]))
})
