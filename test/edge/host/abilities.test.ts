import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BackendAbility, type NodeAbilities, pickBackend } from '../../../src/edge/host/abilities.ts'

const able = (backend: BackendAbility['backend'], ...features: readonly string[]): BackendAbility => ({
  backend,
  is: 'usable',
  missing: features.map((feature) => ({ feature, family: 6, module: `xt_${feature}`, error: 'No such file' })),
})
const gone = (backend: BackendAbility['backend']): BackendAbility => ({
  backend,
  is: 'unusable',
  why: 'it is not there',
})
const node = (...backends: readonly BackendAbility[]): NodeAbilities => ({
  backends,
  ipv6: true,
  socketTable: null,
  flowTable: null,
})
const everything = (): boolean => true

test('the fastest backend that lacks nothing is picked, and what was passed over is said', () => {
  assert.deepEqual(pickBackend(node(able('libnftables'), able('nft')), null, everything), {
    is: 'picked',
    backend: 'libnftables',
    because: 'it is the fastest',
  })
  assert.deepEqual(
    pickBackend(node(gone('libnftables'), able('nft', 'owner'), able('iptables-nft')), null, everything),
    {
      is: 'picked',
      backend: 'iptables-nft',
      because: 'libnftables: it is not there; nft: IPv6 owner needs the kernel module xt_owner',
    },
  )
})

test('a feature that nobody needs does not rule a backend out', () => {
  const picked = pickBackend(node(able('libnftables', 'TPROXY')), null, ({ feature }) => feature !== 'TPROXY')
  assert.equal(picked.is, 'picked')
})

test('a forced backend is taken or refused, never replaced', () => {
  const both = node(able('libnftables'), gone('nft'))
  assert.deepEqual(pickBackend(both, 'libnftables', everything), {
    is: 'picked',
    backend: 'libnftables',
    because: 'it is forced',
  })
  assert.deepEqual(pickBackend(both, 'nft', everything), { is: 'none', why: 'nft: it is not there' })
})

test('where no backend can do it, each says what it lacks', () => {
  assert.deepEqual(pickBackend(node(gone('libnftables'), able('nft', 'owner')), null, everything), {
    is: 'none',
    why: 'libnftables: it is not there; nft: IPv6 owner needs the kernel module xt_owner',
  })
})
