import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cidr, id, networkInterface, port } from '../../src/core/intent/grammar.ts'
import { BARE_SIDECAR, PLAIN_PORTS, type SidecarIntent } from '../../src/core/intent/intent.ts'
import { parseAddress } from '../../src/core/intent/address.ts'
import { ADDRESS, makeScene, PROXY_USER, type Who } from './scene.ts'
import { type Row, RuledPod, testTraffic, wayOf } from './traffic.ts'
import { startWorker } from './world.ts'

/** What a sidecar's rules promise (cni.md §4.3, §4.5), by real traffic through a real Envoy. */
const USUAL: SidecarIntent = {
  ...BARE_SIDECAR,
  inboundPorts: '*',
  inboundPortsExcluded: PLAIN_PORTS,
  outboundCidrs: '*',
}
const PEER_NETWORK = ['10.77.1.0/24', 'fd77:1::/64'].map(cidr.parse)
const NODE_DNS = [ADDRESS.node[4], ADDRESS.node[6]].flatMap((text) => parseAddress(text) ?? [])
const ports = (...numbers: readonly number[]): SidecarIntent['outboundPorts'] =>
  numbers.map((n) => port.parse(String(n)))
const groups = [id.parse('2000')]
const net1 = [networkInterface.parse('net1')]
const tap0 = [networkInterface.parse('tap0')]

const DNS_SETTINGS = [
  ['anybody', { dns: 'all' }],
  ['the resolvers', { dns: 'resolvers', dnsServers: NODE_DNS }],
] as const

const ROWS: readonly Row<SidecarIntent>[] = [
  row('outbound goes to the proxy', 'app', ['peer', 80], 'peer via outbound', null, 'peer'),
  row('inbound goes to the proxy', 'peer', ['pod', 8080], 'app via inbound', null, 'app'),
  row("what the proxy's user sends is not looped", 'proxy', ['peer', 80], 'peer', 'app', 'peer via outbound'),
  row(
    "what the proxy's group sends is not looped",
    'group',
    ['peer', 80],
    'peer',
    { proxyGids: [] },
    'peer via outbound',
  ),
  row('an application talks to itself on localhost', 'app', ['localhost', 8080], 'app', null, 'app'),
  row('an application talks to itself by its address', 'app', ['pod', 8080], 'app', 'proxy', 'app via inbound'),
  row('the proxy calls its pod by address: inbound', 'proxy', ['pod', 8080], 'app via inbound', 'app', 'app'),
  row('a call to oneself by service address', 'app', ['service', 80], 'app via outbound, inbound', null, 'app'),
  row(
    'probes of the application go through the proxy',
    'node',
    ['pod', 9090],
    'app via inbound',
    { inboundPortsExcluded: ports(9090) },
    'app',
  ),
  row(
    "the agent's health port is left alone",
    'node',
    ['pod', 15021],
    'proxy',
    { inboundPortsExcluded: [] },
    'proxy via inbound',
  ),
  row('HBONE is left alone', 'peer', ['pod', 15008], 'proxy', { tunnelPort: port.parse('15009') }, 'proxy via inbound'),
  row('excluded outbound ports', 'app', ['peer', 8443], 'peer', {}, 'peer via outbound', {
    outboundPortsExcluded: ports(8443),
  }),
  row(
    'other ports than the excluded',
    'app',
    ['peer', 80],
    'peer via outbound',
    { outboundPortsExcluded: ports(80) },
    'peer',
    { outboundPortsExcluded: ports(8443) },
  ),
  row('excluded networks', 'app', ['peer', 80], 'peer', {}, 'peer via outbound', {
    outboundCidrsExcluded: PEER_NETWORK,
  }),
  row('other networks than the excluded', 'app', ['peer on net1', 80], 'peer via outbound', null, 'peer', {
    outboundCidrsExcluded: PEER_NETWORK,
  }),
  row('included networks', 'app', ['peer', 80], 'peer via outbound', { outboundCidrs: [] }, 'peer', {
    outboundCidrs: PEER_NETWORK,
  }),
  row('other networks than the included', 'app', ['peer on net1', 80], 'peer', {}, 'peer via outbound', {
    outboundCidrs: PEER_NETWORK,
  }),
  row(
    'included ports count in every network',
    'app',
    ['peer', 8443],
    'peer via outbound',
    { outboundCidrs: [] },
    'peer',
    { outboundCidrs: [], outboundPorts: ports(8443) },
  ),
  row('included inbound ports', 'peer', ['pod', 9090], 'app via inbound', { inboundPorts: ports(8080) }, 'app', {
    inboundPorts: ports(9090),
  }),
  row('no inbound ports at all', 'peer', ['pod', 9090], 'app', {}, 'app via inbound', { inboundPorts: [] }),
  row('excluded inbound ports', 'peer', ['pod', 9090], 'app', {}, 'app via inbound', {
    inboundPortsExcluded: ports(9090),
  }),
  row('excluded interfaces, inbound', 'peer', ['pod on net1', 8080], 'app', {}, 'app via inbound', {
    excludedInterfaces: net1,
  }),
  row('excluded interfaces, outbound', 'app', ['peer on net1', 80], 'peer', {}, 'peer via outbound', {
    excludedInterfaces: net1,
  }),
  row('other interfaces than the excluded', 'peer', ['pod', 8080], 'app via inbound', null, 'app', {
    excludedInterfaces: net1,
  }),
  row('what a virtual machine sends is outbound', 'vm', ['peer', 80], 'peer via outbound', {}, 'nobody', {
    virtualInterfaces: tap0,
  }),
  row('groups that are named', 'grouped', ['peer', 80], 'peer via outbound', { ownerGroups: [] }, 'peer', {
    ownerGroups: groups,
  }),
  row('groups that are not named', 'app', ['peer', 80], 'peer', {}, 'peer via outbound', { ownerGroups: groups }),
  row('groups that are excluded', 'grouped', ['peer', 80], 'peer', {}, 'peer via outbound', {
    ownerGroupsExcluded: groups,
  }),
  ...DNS_SETTINGS.flatMap(([who, dns]) => [
    row(`DNS over TCP, asked of ${who}`, 'app', ['node', 53], 'peer via dns', {}, 'nobody', dns),
    { ...row(`DNS over UDP, asked of ${who}`, 'app', ['node', 53], 'peer', {}, 'nobody', dns), over: 'udp' } as const,
  ]),
  row(
    'DNS over TCP, asked of others than the resolvers',
    'app',
    ['peer', 53],
    'peer via outbound',
    { dns: 'all' },
    'peer via dns',
    { dns: 'resolvers', dnsServers: NODE_DNS },
  ),
  row("the proxy's own DNS over TCP", 'proxy', ['peer', 53], 'peer', 'app', 'peer via dns', { dns: 'all' }),
  {
    ...row("the proxy's own DNS over UDP", 'proxy', ['node', 53], 'nobody', 'app', 'peer', { dns: 'all' }),
    over: 'udp',
  },
  { ...row('UDP that is no DNS', 'app', ['peer', 5353], 'peer', null, 'peer', { dns: 'all' }), over: 'udp' },
]

function row(
  promise: string,
  who: Row<SidecarIntent>['who'],
  to: Row<SidecarIntent>['to'],
  sees: string,
  otherwise: Partial<SidecarIntent> | Who | null,
  otherwiseSees: string,
  intent: Partial<SidecarIntent> = {},
): Row<SidecarIntent> {
  const negative = typeof otherwise === 'string' ? { who: otherwise } : { intent: otherwise }
  return { promise, who, to, sees, intent, otherwise: { ...negative, sees: otherwiseSees } }
}

const worker = await startWorker()
const scene = await makeScene({ user: PROXY_USER, transparentMark: null }, [
  'app',
  'proxy',
  'group',
  'grouped',
  'node',
  'peer',
  'vm',
])
testTraffic(worker, scene, (said) => ({ ...USUAL, ...said }), ROWS)

test('connections stay as they are when rules are made again; those from before the rules are cut, and do not bypass them', async () => {
  const pod = new RuledPod(worker, scene, 'libnftables')
  const clients = ['app', 'peer'] as const
  const dial = async (hold: string, want: readonly string[]): Promise<void> => {
    for (const [i, who] of clients.entries()) {
      const [address, number] = who === 'app' ? [ADDRESS.peer[4], 80] : [ADDRESS.pod[4], 8080]
      const told = await scene.tell(who, { do: 'dial', over: 'tcp', address, port: number, hold })
      assert.equal(wayOf(told, 4, false), want[i])
    }
  }
  const again = async (hold: string): Promise<readonly string[]> =>
    await Promise.all(clients.map(async (who) => wayOf(await scene.tell(who, { do: 'again', hold }), 4, false)))
  await pod.make(null)
  await dial('before', ['peer', 'app'])
  await pod.make(USUAL)
  assert.deepEqual(await again('before'), ['nobody', 'nobody'])
  const want = ['peer via outbound', 'app via inbound']
  await dial('during', want)
  await pod.make({ ...USUAL, dns: 'all' })
  assert.deepEqual(await again('during'), want)
  await pod.make(null)
})
