import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ambientTarget, type CapturedDns, sidecarTarget } from '../../../../src/app/agent/verify/intent-target.ts'
import { NOBODY, RARE_PORTS, type Target } from '../../../../src/app/agent/verify/target.ts'
import { decodeIntent } from '../../../../src/core/intent/codec.ts'
import { parseAddress } from '../../../../src/core/intent/address.ts'
import { PLAIN_AMBIENT, type SidecarIntent } from '../../../../src/core/intent/intent.ts'

/** A sidecar's intent as the annotation says it, over what is usual. */
function intent(fields: Readonly<Record<string, string>>): SidecarIntent {
  const read = decodeIntent(JSON.stringify({ v: 1, kind: 'sidecar', inboundPorts: '*', outboundCidrs: '*', ...fields }))
  assert.ok(read.is === 'redirect' && read.intent.kind === 'sidecar', JSON.stringify(read))
  return read.intent
}

const ROWS: readonly (readonly [string, Readonly<Record<string, string>>, Partial<Target>])[] = [
  [
    'everything: documentation addresses, rare ports',
    {},
    {
      outbound: { leadsTo: 15001, to: NOBODY, port: 80 },
      inbound: { leadsTo: 15006, candidates: RARE_PORTS },
      dns: null,
      exceptInterfaces: [],
      transparent: false,
      proxy: { uid: 1337, gid: 1337 },
      app: { uid: 1000, gid: 1000 },
    },
  ],
  [
    'some networks: an address in them, none of the family that has none',
    { outboundCidrs: '10.0.0.0/8' },
    { outbound: { leadsTo: 15001, to: { 4: '10.0.0.1', 6: null }, port: 80 } },
  ],
  [
    'excluded networks: an address beside them',
    { outboundCidrs: '10.0.0.0/8', outboundCidrsExcluded: '10.0.0.0/9,10.255.0.0/16' },
    { outbound: { leadsTo: 15001, to: { 4: '10.128.0.0', 6: null }, port: 80 } },
  ],
  [
    'documentation addresses excluded: another one',
    { outboundCidrsExcluded: '192.0.2.0/24,2001:db8::/32' },
    { outbound: { leadsTo: 15001, to: { 4: '198.51.100.1', 6: '3fff::1' }, port: 80 } },
  ],
  [
    'one host: that one',
    { outboundCidrs: '10.1.2.3/32' },
    { outbound: { leadsTo: 15001, to: { 4: '10.1.2.3', 6: null }, port: 80 } },
  ],
  [
    'everything excluded: no outbound',
    { outboundCidrs: '10.0.0.0/8', outboundCidrsExcluded: '10.0.0.0/8' },
    { outbound: null },
  ],
  ['no networks: no outbound', { outboundCidrs: '' }, { outbound: null }],
  [
    "the pod's own loopback is never redirected: another address of that network, none where it is all",
    { outboundCidrs: '127.0.0.0/8,::1/128' },
    { outbound: { leadsTo: 15001, to: { 4: '127.255.255.254', 6: null }, port: 80 } },
  ],
  [
    "the pod's first interface excluded: nothing that could be tried from the node, and what leaves is asked of the routes",
    { excludedInterfaces: 'net1,eth0' },
    { outbound: { leadsTo: 15001, to: NOBODY, port: 80 }, inbound: null, exceptInterfaces: ['net1', 'eth0'] },
  ],
  ['no group whose traffic is redirected: no outbound', { ownerGroups: '' }, { outbound: null }],
  ['groups by name, which only the image knows: no outbound', { ownerGroups: 'java' }, { outbound: null }],
  [
    'a group by number beside them: that one',
    { ownerGroups: 'java,2000' },
    { outbound: { leadsTo: 15001, to: NOBODY, port: 80 }, app: { uid: 1000, gid: 2000 } },
  ],
  [
    'ports without networks: these ports to anywhere',
    { outboundCidrs: '', outboundPorts: '3306,5432' },
    { outbound: { leadsTo: 15001, to: NOBODY, port: 3306 } },
  ],
  [
    'excluded ports: another port',
    { outboundPortsExcluded: '80,443' },
    { outbound: { leadsTo: 15001, to: NOBODY, port: 8080 } },
  ],
  [
    'listed inbound ports: these',
    { inboundPorts: '8080,9090' },
    { inbound: { leadsTo: 15006, candidates: [8080, 9090] } },
  ],
  ['no inbound ports: no inbound', { inboundPorts: '' }, { inbound: null }],
  [
    'excluded inbound ports and interfaces: not these',
    { inboundPortsExcluded: '61001', excludedInterfaces: 'net1' },
    { inbound: { leadsTo: 15006, candidates: RARE_PORTS.slice(1) }, exceptInterfaces: ['net1'] },
  ],
  ['TPROXY: connections keep their destination', { interception: 'TPROXY' }, { transparent: true }],
  [
    'the usual application id belongs to the proxy: another one',
    { proxyUids: '1000', proxyGids: '1000,1001' },
    { proxy: { uid: 1000, gid: 1000 }, app: { uid: 1001, gid: 1002 } },
  ],
  ['owner groups: one of them', { ownerGroups: '2000,2001' }, { app: { uid: 1000, gid: 2000 } }],
  ['excluded owner groups: none of them', { ownerGroupsExcluded: '1000' }, { app: { uid: 1000, gid: 1001 } }],
]
for (const [name, fields, want] of ROWS)
  test(name, () => {
    const target = sidecarTarget(intent(fields), 'none')
    assert.deepEqual(Object.fromEntries(Object.keys(want).map((key) => [key, target[key as keyof Target]])), want)
  })

const SERVERS = ['10.96.0.10', 'fd00::a', '10.96.0.11'].map((text) => parseAddress(text) ?? assert.fail())
for (const [dns, want] of [
  ['none', null],
  ['all', { leadsTo: 15053, to: NOBODY }],
  [SERVERS, { leadsTo: 15053, to: { 4: '10.96.0.10', 6: 'fd00::a' } }],
  [SERVERS.slice(0, 1), { leadsTo: 15053, to: { 4: '10.96.0.10', 6: null } }],
] as const satisfies readonly (readonly [CapturedDns, Target['dns']])[])
  test(`captured DNS ${String(dns)} is asked ${want === null ? 'nowhere' : JSON.stringify(want.to)}`, () => {
    assert.deepEqual(sidecarTarget(intent({}), dns).dns, want)
  })

test('in an ambient pod the proxy is known by its mark, and an ingress takes inbound traffic itself', () => {
  const { proxy, outbound, inbound, dns } = ambientTarget(PLAIN_AMBIENT, false)
  assert.deepEqual([proxy?.mark, outbound?.leadsTo, inbound?.leadsTo, dns], [0x539, 15001, 15006, null])
  const ingress = ambientTarget({ ...PLAIN_AMBIENT, ingress: true }, true)
  assert.deepEqual([ingress.inbound, ingress.dns?.leadsTo], [null, 15053])
})

test('DNS is not captured of whom excluded ports or owner groups leave alone', () => {
  for (const fields of [{ outboundPortsExcluded: '15020,53' }, { ownerGroups: '' }, { ownerGroups: 'java' }])
    assert.equal(sidecarTarget(intent(fields), 'all').dns, null, JSON.stringify(fields))
})
