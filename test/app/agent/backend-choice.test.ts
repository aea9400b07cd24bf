import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ChoiceOptions, pickBackend, type Unfit } from '../../../src/app/agent/backend-choice.ts'
import type { BackendAbility, NodeAbilities } from '../../../src/edge/host/abilities.ts'
import type { Backend } from '../../../src/edge/host/apply.ts'

const able = (backend: Backend, ...features: readonly string[]): BackendAbility => ({
  backend,
  is: 'usable',
  missing: features.map((feature) => ({ feature, family: 6, module: `xt_${feature}`, error: 'No such file' })),
})
const gone = (backend: Backend): BackendAbility => ({ backend, is: 'unusable', why: 'it is not there' })
const node = (...backends: readonly BackendAbility[]): NodeAbilities => ({
  backends,
  ipv6: true,
  socketTable: null,
  flowTable: null,
})
const choice = (more: Partial<ChoiceOptions> = {}): ChoiceOptions => ({
  forced: null,
  needed: () => true,
  trial: async () => await Promise.resolve(null),
  cause: () => null,
  ...more,
})
/** Traffic through the rules of some backends does not go as it should. */
const trial =
  (unfit: Partial<Record<Backend, Unfit>>): ChoiceOptions['trial'] =>
  async (backend) =>
    await Promise.resolve(unfit[backend] ?? null)
const BYPASSED: Unfit = { is: 'bypassed', why: 'it goes past' }
const UNPROVEN: Unfit = { is: 'unproven', why: 'nobody saw it' }

test('the fastest backend that lacks nothing is picked, and what was passed over is said', async () => {
  assert.deepEqual(await pickBackend(node(able('libnftables'), able('nft')), choice()), {
    is: 'picked',
    backend: 'libnftables',
    because: 'it is the fastest',
  })
  const some = node(gone('libnftables'), able('nft', 'owner'), able('iptables-nft'))
  assert.deepEqual(await pickBackend(some, choice()), {
    is: 'picked',
    backend: 'iptables-nft',
    because: 'libnftables: it is not there; nft: IPv6 owner needs the kernel module xt_owner',
  })
})

test('a feature that nobody needs does not rule a backend out', async () => {
  const needed: ChoiceOptions['needed'] = ({ feature }) => feature !== 'TPROXY'
  const picked = await pickBackend(node(able('libnftables', 'TPROXY')), choice({ needed }))
  assert.equal(picked.is, 'picked')
})

test('a forced backend is taken or refused, never replaced', async () => {
  const both = node(able('libnftables'), gone('nft'))
  assert.deepEqual(await pickBackend(both, choice({ forced: 'libnftables' })), {
    is: 'picked',
    backend: 'libnftables',
    because: 'it is forced',
  })
  assert.deepEqual(await pickBackend(both, choice({ forced: 'nft' })), {
    is: 'none',
    reason: { code: 'backend_absent', args: { why: 'nft: it is not there' } },
  })
  const bypassed = choice({ forced: 'libnftables', trial: trial({ libnftables: BYPASSED }) })
  assert.deepEqual(await pickBackend(both, bypassed), {
    is: 'none',
    reason: { code: 'backend_bypassed', args: { why: 'libnftables: it goes past' } },
  })
})

test('rules that traffic does not follow rule a backend out, and the next one is tried', async () => {
  const both = node(able('libnftables'), able('iptables-legacy'))
  assert.deepEqual(await pickBackend(both, choice({ trial: trial({ libnftables: BYPASSED }) })), {
    is: 'picked',
    backend: 'iptables-legacy',
    because: 'libnftables: it goes past',
  })
})

test('traffic is sent by none but those that can make all rules, and by none behind the one that is picked', async () => {
  const tried: Backend[] = []
  const all = node(gone('libnftables'), able('nft', 'owner'), able('iptables-nft'), able('iptables-legacy'))
  await pickBackend(
    all,
    choice({
      trial: async (backend) => {
        tried.push(backend)
        return await Promise.resolve(null)
      },
    }),
  )
  assert.deepEqual(tried, ['iptables-nft'])
})

for (const [name, unfit, code] of [
  ['nothing can be made', {}, 'backend_absent'],
  ['nobody could see it', { 'iptables-nft': UNPROVEN }, 'backend_unproven'],
  ['traffic went past', { 'iptables-nft': UNPROVEN, 'iptables-legacy': BYPASSED }, 'backend_bypassed'],
] as const)
  test(`where no backend can do it, each says what it lacks, and the worst that was seen names it: ${name}`, async () => {
    const tried = (backend: 'iptables-nft' | 'iptables-legacy'): BackendAbility =>
      backend in unfit ? able(backend) : gone(backend)
    const all = node(gone('libnftables'), able('nft', 'owner'), tried('iptables-nft'), tried('iptables-legacy'))
    const picked = await pickBackend(all, choice({ trial: trial(unfit) }))
    assert.ok(picked.is === 'none' && picked.reason.code === code, JSON.stringify(picked))
    assert.match(
      JSON.stringify(picked.reason.args),
      /libnftables: it is not there; nft: IPv6 owner needs the kernel module xt_owner; iptables-nft: .*; iptables-legacy: /,
    )
  })

test('whose doing it may be that something is denied is said once, behind all that was tried', async () => {
  const both = node(gone('libnftables'), gone('nft'))
  const picked = await pickBackend(both, choice({ cause: (why) => `somebody, since ${why.length} letters` }))
  assert.deepEqual(picked, {
    is: 'none',
    reason: {
      code: 'backend_absent',
      args: { why: 'libnftables: it is not there; nft: it is not there; somebody, since 50 letters' },
    },
  })
})
