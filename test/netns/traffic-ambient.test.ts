import { networkInterface } from '../../src/core/intent/grammar.ts'
import { type AmbientIntent, PLAIN_AMBIENT } from '../../src/core/intent/intent.ts'
import { AMBIENT_MARKS, PROBE_SOURCE } from '../../src/core/vocabulary/ports.ts'
import { makeScene } from './scene.ts'
import { type Row, testTraffic } from './traffic.ts'
import { inNetns, ip, startWorker } from './world.ts'

/**
 * What the rules of an ambient pod promise (cni.md §5.10). Envoy stands for ztunnel, which rules know by the mark on what it
 * sends; probes of the kubelet come from the address that their host gives them.
 */
const ROWS: readonly Row<AmbientIntent>[] = [
  row('outbound goes to ztunnel', 'app', ['peer', 80], 'peer via outbound', null, 'peer'),
  row('root is nobody special', 'root', ['peer', 80], 'peer via outbound', null, 'peer'),
  row('inbound goes to ztunnel', 'peer', ['pod', 8080], 'app via inbound', { ingress: true }, 'app'),
  row('an ingress takes its inbound traffic itself', 'peer', ['pod', 9090], 'app', {}, 'app via inbound', {
    ingress: true,
  }),
  row('an ingress sends through ztunnel', 'app', ['peer', 80], 'peer via outbound', null, 'peer', { ingress: true }),
  row('HBONE is left alone', 'peer', ['pod', 15008], 'proxy', null, 'proxy'),
  row('what else comes from the node goes to ztunnel', 'node', ['pod', 8080], 'app via inbound', 'kubelet', 'app'),
  row('an application talks to itself on localhost', 'app', ['localhost', 8080], 'app', null, 'app'),
  row('an application talks to itself by its address', 'app', ['pod', 8080], 'app', null, 'app'),
  row('a call to oneself by service address', 'app', ['service', 80], 'app via outbound, inbound', null, 'app'),
  row('what a virtual machine sends is outbound', 'vm', ['peer', 80], 'peer via outbound', null, 'peer', {
    virtualInterfaces: [networkInterface.parse('tap0')],
  }),
  row('DNS over TCP', 'app', ['node', 53], 'peer via dns', { dns: 'off' }, 'nobody', { dns: 'on' }),
  { ...row('DNS over UDP', 'app', ['node', 53], 'peer', { dns: 'off' }, 'nobody', { dns: 'on' }), over: 'udp' },
  { ...row('UDP that is no DNS', 'app', ['peer', 5353], 'peer', null, 'peer', { dns: 'on' }), over: 'udp' },
]

function row(
  promise: string,
  who: Row<AmbientIntent>['who'],
  to: Row<AmbientIntent>['to'],
  sees: string,
  otherwise: Partial<AmbientIntent> | Row<AmbientIntent>['who'] | null,
  otherwiseSees: string,
  intent: Partial<AmbientIntent> = {},
): Row<AmbientIntent> {
  const negative = typeof otherwise === 'string' ? { who: otherwise } : { intent: otherwise }
  return { promise, who, to, sees, intent, otherwise: { ...negative, sees: otherwiseSees } }
}

const worker = await startWorker()
const scene = await makeScene({ user: { uid: 0, gid: 0 }, transparentMark: null, mark: AMBIENT_MARKS.ztunnel.value }, [
  'app',
  'root',
  'proxy',
  'node',
  'kubelet',
  'peer',
  'vm',
])
// what a node does for the probes of its kubelet, here a user of its own
inNetns(
  scene.node,
  'nft',
  `table inet probes { chain from { type nat hook postrouting priority 99
    meta skuid 4242 ip version 4 snat ip to ${PROBE_SOURCE.v4}
    meta skuid 4242 ip6 version 6 snat ip6 to ${PROBE_SOURCE.v6}
  }\n}`,
)
for (const address of [`${PROBE_SOURCE.v4}/32`, `${PROBE_SOURCE.v6}/128`])
  ip('-n', scene.pod.name, 'route', 'replace', address, 'via', address.includes(':') ? 'fd77::1' : '10.77.0.1')
testTraffic(worker, scene, (said) => ({ ...PLAIN_AMBIENT, ...said }), ROWS)
