import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BARE_SIDECAR, type SidecarIntent } from '../../../src/core/intent/intent.ts'
import { ipCommand, networkOf } from '../../../src/core/redirection/network.ts'
import { capturedDns, familiesOf, type Resolvers } from '../../../src/core/redirection/pod-network.ts'
import { addressOf } from './any-rules.ts'

const FAMILIES: readonly (readonly [string, readonly string[], readonly number[] | 'refused'])[] = [
  ['IPv4 alone', ['127.0.0.1', '10.0.0.1'], [4]],
  ['IPv6 alone', ['::1', 'fd00::1'], [4, 6]],
  ['both, whichever comes first', ['10.0.0.1', 'fd00::1'], [4, 6]],
  ['the address of a link is none', ['fe80::1', '10.0.0.1'], [4]],
  ['a mapped address is of IPv4', ['::ffff:10.0.0.1'], [4]],
  ['loopback alone', ['127.0.0.1', '::1', 'fe80::1'], 'refused'],
  ['nothing', [], 'refused'],
  ['no address at all', ['eth0'], 'refused'],
]

for (const [what, addresses, want] of FAMILIES)
  test(`the families of a pod: ${what}`, () => {
    const got = familiesOf(addresses)
    assert.deepEqual(got.is === 'known' ? got.families : got.is, want)
  })

const [CLUSTER, NODE, OWN] = ['10.96.0.10', '10.0.0.2', '1.1.1.1'].map(addressOf)
assert.ok(CLUSTER !== undefined && NODE !== undefined && OWN !== undefined)
const RESOLVERS: Resolvers = { cluster: [CLUSTER], node: [NODE] }

const DNS: readonly (readonly [
  string,
  Partial<SidecarIntent>,
  Resolvers | null,
  'none' | 'all' | readonly string[],
])[] = [
  ['off', { dns: 'off' }, RESOLVERS, 'none'],
  ['of everybody', { dns: 'all' }, RESOLVERS, 'all'],
  ['of the cluster', { dns: 'resolvers', dnsPolicy: 'cluster' }, RESOLVERS, [CLUSTER]],
  [
    'of the cluster and those that the pod names',
    { dns: 'resolvers', dnsPolicy: 'cluster', dnsServers: [OWN, CLUSTER] },
    RESOLVERS,
    [CLUSTER, OWN],
  ],
  ['of the node', { dns: 'resolvers', dnsPolicy: 'node' }, RESOLVERS, [NODE]],
  ['of those that the pod names alone', { dns: 'resolvers', dnsPolicy: 'none', dnsServers: [OWN] }, null, [OWN]],
  ['of everybody where the node does not know the servers', { dns: 'resolvers', dnsPolicy: 'cluster' }, null, 'all'],
  ['of nobody where there is no server', { dns: 'resolvers', dnsPolicy: 'none' }, null, 'none'],
]

for (const [what, said, resolvers, want] of DNS)
  test(`DNS is captured ${what}`, () => {
    assert.deepEqual(capturedDns({ ...BARE_SIDECAR, ...said }, { resolvers }), want)
  })

test('TPROXY without an inbound port needs no route', () => {
  assert.deepEqual(networkOf({ ...BARE_SIDECAR, interception: 'TPROXY' }, [4]), [])
  const commands = networkOf({ ...BARE_SIDECAR, interception: 'TPROXY', inboundPorts: '*' }, [4, 6]).map(ipCommand)
  assert.deepEqual(commands, [
    'ip -6 addr add ::6/128 dev lo',
    'ip -4 rule add fwmark 1337 lookup 133',
    'ip -4 route replace local 0.0.0.0/0 dev lo scope host table 133',
    'ip -6 rule add fwmark 1337 lookup 133',
    'ip -6 route replace local ::/0 dev lo scope host table 133',
  ])
  assert.deepEqual(networkOf({ kind: 'none' }, [4, 6]), [])
})
