import { port } from '../../src/core/intent/grammar.ts'
import { BARE_SIDECAR, PLAIN_PORTS, type SidecarIntent } from '../../src/core/intent/intent.ts'
import { TPROXY } from '../../src/core/vocabulary/ports.ts'
import { makeScene, PROXY_USER } from './scene.ts'
import { type Row, testTraffic } from './traffic.ts'
import { startWorker } from './world.ts'

/** What TPROXY promises beside what a sidecar's rules promise anyway (cni.md §4.4): the application sees who calls. */
const USUAL: SidecarIntent = {
  ...BARE_SIDECAR,
  interception: 'TPROXY',
  inboundPorts: '*',
  inboundPortsExcluded: PLAIN_PORTS,
  outboundCidrs: '*',
}
const ports = (...numbers: readonly number[]): SidecarIntent['outboundPorts'] =>
  numbers.map((n) => port.parse(String(n)))
/** The injector gives the proxy root's number and its own group: other sources than its own need NET_ADMIN. */
const PRIVILEGED = { uid: 0, gid: PROXY_USER.gid }
const bare = { intent: null } as const

const ROWS: readonly Row<SidecarIntent>[] = [
  {
    promise: 'the application sees the address of who calls from elsewhere',
    ...{
      who: 'peer',
      to: ['pod', 8080],
      sees: 'app via inbound from peer',
      otherwise: { ...bare, sees: 'app from peer' },
    },
  },
  {
    promise: 'the application sees the address of the node, whose probes go through the proxy',
    ...{
      who: 'node',
      to: ['pod', 8080],
      sees: 'app via inbound from node',
      otherwise: { ...bare, sees: 'app from node' },
    },
  },
  {
    promise: 'ports that are named',
    ...{ who: 'peer', to: ['pod', 9090], intent: { inboundPorts: ports(9090) }, sees: 'app via inbound from peer' },
    otherwise: { intent: { inboundPorts: ports(8080) }, sees: 'app from peer' },
  },
  {
    promise: 'ports that are excluded',
    ...{ who: 'peer', to: ['pod', 9090], intent: { inboundPortsExcluded: ports(9090) }, sees: 'app' },
    otherwise: { intent: {}, sees: 'app via inbound' },
  },
  {
    promise: 'no inbound ports at all',
    ...{ who: 'peer', to: ['pod', 9090], intent: { inboundPorts: [] }, sees: 'app' },
    otherwise: { intent: {}, sees: 'app via inbound' },
  },
  {
    promise: "the agent's health port is left alone",
    ...{ who: 'node', to: ['pod', 15021], sees: 'proxy' },
    otherwise: { intent: { inboundPortsExcluded: [] }, sees: 'proxy via inbound' },
  },
  {
    promise: 'outbound goes to the proxy as ever',
    ...{
      who: 'app',
      to: ['peer', 80],
      sees: 'peer via outbound from pod',
      otherwise: { who: 'proxy', sees: 'peer from pod' },
    },
  },
  {
    promise: 'an application talks to itself on localhost',
    ...{
      who: 'app',
      to: ['localhost', 8080],
      sees: 'app from localhost',
      otherwise: { ...bare, sees: 'app from localhost' },
    },
  },
  {
    promise: 'an application talks to itself by its address',
    ...{ who: 'app', to: ['pod', 8080], sees: 'app from pod', otherwise: { ...bare, sees: 'app from pod' } },
  },
  {
    promise: 'a call to oneself by service address goes out and comes in through the proxy',
    ...{ who: 'app', to: ['service', 80], sees: 'app via outbound, inbound', otherwise: { ...bare, sees: 'app' } },
  },
  {
    promise: 'DNS over TCP is captured as ever',
    ...{
      who: 'app',
      to: ['node', 53],
      intent: { dns: 'all' },
      sees: 'peer via dns',
      otherwise: { intent: {}, sees: 'nobody' },
    },
  },
  {
    promise: 'DNS over UDP is captured as ever',
    ...{ over: 'udp', who: 'app', to: ['node', 53], intent: { dns: 'all' }, sees: 'peer' },
    otherwise: { intent: {}, sees: 'nobody' },
  },
]

const worker = await startWorker()
const scene = await makeScene({ user: PRIVILEGED, transparentMark: TPROXY.mark }, ['app', 'proxy', 'node', 'peer'])
testTraffic(worker, scene, (said) => ({ ...USUAL, ...said }), ROWS)
