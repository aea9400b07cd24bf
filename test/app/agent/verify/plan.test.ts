import assert from 'node:assert/strict'
import { test } from 'node:test'
import { destinationsOf, plan } from '../../../../src/app/agent/verify/plan.ts'
import { NOBODY, RARE_PORTS, type Target } from '../../../../src/app/agent/verify/target.ts'
import type { Survey } from '../../../../src/edge/host/survey.ts'

/** A sidecar's usual promises. */
const DEFAULT: Target = {
  outbound: { leadsTo: 15001, to: NOBODY, port: 80 },
  inbound: { leadsTo: 15006, candidates: RARE_PORTS },
  dns: null,
  exceptInterfaces: [],
  transparent: false,
  proxy: { uid: 1337, gid: 1337 },
  app: { uid: 1000, gid: 1000 },
}

const address = (device: string, address: string): Survey['addresses'][number] => ({
  device,
  address,
  internal: device === 'lo',
})
const LO = [address('lo', '127.0.0.1'), address('lo', '::1')]
const listening = (port: number): Survey['listeners']['tcp'][number] => ({ families: [4], address: '0.0.0.0', port })
const survey = (addresses: Survey['addresses'], ...ports: readonly number[]): Survey => ({
  addresses: [...LO, ...addresses],
  listeners: { tcp: ports.map(listening), udp: [] },
})
const V4 = address('eth0', '10.0.0.2')
const V6 = address('eth0', 'fd00::2')
const DNS: Target = { ...DEFAULT, dns: { leadsTo: 15053, to: { 4: '192.0.2.53', 6: null } } }

const ROWS: readonly (readonly [string, Target, Survey, readonly string[]])[] = [
  [
    'one family: outbound, the proxy’s own and inbound of that family',
    DEFAULT,
    survey([V4]),
    ['outbound tcp 192.0.2.1:80', 'proxy tcp 192.0.2.1:80', 'inbound tcp 10.0.0.2:61001'],
  ],
  [
    'two families: each is measured',
    { ...DEFAULT, proxy: null },
    survey([V4, V6]),
    [
      'outbound tcp 192.0.2.1:80',
      'outbound tcp 2001:db8::1:80',
      'inbound tcp 10.0.0.2:61001',
      'inbound tcp fd00::2:61001',
    ],
  ],
  [
    'loopback and link-local addresses alone: there is nothing to measure',
    DEFAULT,
    survey([address('eth0', 'fe80::1'), address('eth0', '169.254.1.1')]),
    [],
  ],
  [
    'a second interface: each address is measured, but none of an excluded interface',
    { ...DEFAULT, outbound: null, inbound: { leadsTo: 15006, candidates: [8080] }, exceptInterfaces: ['net2'] },
    survey([V4, address('net1', '10.1.0.2'), address('net2', '10.2.0.2')]),
    ['inbound tcp 10.0.0.2:8080', 'inbound tcp 10.1.0.2:8080'],
  ],
  [
    'a port that somebody listens on is passed over',
    { ...DEFAULT, outbound: null },
    survey([V4], 61001, 61003),
    ['inbound tcp 10.0.0.2:61007'],
  ],
  [
    'the last resort is a port that somebody listens on',
    { ...DEFAULT, outbound: null, inbound: { leadsTo: 15006, candidates: [80, 81] } },
    survey([V4], 80, 81),
    ['inbound tcp 10.0.0.2:80'],
  ],
  [
    'DNS: over both protocols, in the families that are captured',
    { ...DNS, outbound: null, inbound: null },
    survey([V4, V6]),
    ['dns-tcp tcp 192.0.2.53:53', 'dns-udp udp 192.0.2.53:53'],
  ],
  ['nothing redirected: nothing measured', { ...DEFAULT, outbound: null, inbound: null }, survey([V4]), []],
]

for (const [name, target, inside, want] of ROWS)
  test(name, () => {
    assert.deepEqual(
      plan(target, inside, []).map(({ class: one, probe: { over, to } }) => `${one} ${over} ${to.address}:${to.port}`),
      want,
    )
  })

test('an application sends, the proxy is left alone, and the node comes from outside', () => {
  const users = plan(DEFAULT, survey([V4]), []).map(({ class: one, probe: { from, user, leadsTo } }) => {
    return [one, from, user.uid, leadsTo]
  })
  assert.deepEqual(users, [
    ['outbound', 'inside', 1000, 15001],
    ['proxy', 'inside', 1337, 15001],
    ['inbound', 'outside', 65534, 15006],
  ])
})

test('what leaves by an interface that is left alone is not measured, in neither class; what comes in is', () => {
  assert.deepEqual(destinationsOf(DNS), ['192.0.2.1', '2001:db8::1', '192.0.2.53'])
  assert.deepEqual(
    plan(DNS, survey([V4, V6]), ['192.0.2.1', '192.0.2.53']).map(
      ({ class: one, probe: { to } }) => `${one} ${to.address}`,
    ),
    ['outbound 2001:db8::1', 'proxy 2001:db8::1', 'inbound 10.0.0.2', 'inbound fd00::2'],
  )
})
