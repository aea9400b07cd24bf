import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { address } from '../../../src/core/intent/grammar.ts'
import { intentOfDecided } from '../../../src/core/intent/pod.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { IPTABLES } from '../../../src/core/redirection/iptables.ts'
import { networkOf } from '../../../src/core/redirection/network.ts'
import { NFTABLES } from '../../../src/core/redirection/nftables.ts'
import { sidecarRules } from '../../../src/core/redirection/sidecar.ts'
import { injected, podOf } from '../injection/injection-fixture.ts'

/** What an author may write on a pod, all of it readable. */
const ports = fc.array(fc.nat(65535), { maxLength: 3 }).map((list) => list.join(','))
const networks = fc.array(fc.constantFrom('10.0.0.0/8', '192.168.1.0/24', 'fd00::/8', '127.0.0.1/32'), { maxLength: 3 })
const interfaces = fc.array(fc.constantFrom('net1', 'tap0', 'br-int'), { maxLength: 2 })
const joined = (list: fc.Arbitrary<readonly string[]>): fc.Arbitrary<string> => list.map((items) => items.join(','))
const annotations = fc.record(
  {
    'sidecar.istio.io/interceptionMode': fc.constantFrom('REDIRECT', 'TPROXY'),
    'traffic.sidecar.istio.io/includeInboundPorts': fc.oneof(fc.constant('*'), ports),
    'traffic.sidecar.istio.io/excludeInboundPorts': ports,
    'traffic.sidecar.istio.io/includeOutboundPorts': ports,
    'traffic.sidecar.istio.io/excludeOutboundPorts': ports,
    'traffic.sidecar.istio.io/includeOutboundIPRanges': fc.oneof(fc.constant('*'), joined(networks)),
    'traffic.sidecar.istio.io/excludeOutboundIPRanges': joined(networks),
    'traffic.sidecar.istio.io/excludeInterfaces': joined(interfaces),
    'istio.io/reroute-virtual-interfaces': joined(interfaces),
    'proxy.istio.io/config': fc.constantFrom(
      '{}',
      '{"proxyMetadata":{"ISTIO_META_DNS_CAPTURE":"true"}}',
      '{"proxyMetadata":{"ISTIO_DUAL_STACK":"true","INVALID_DROP":"true"}}',
      '{"proxyMetadata":{"ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE":"2000","ISTIO_META_DNS_CAPTURE":"true"}}',
    ),
  },
  { requiredKeys: [], noNullPrototype: true },
)
const spec = fc.record(
  {
    dnsPolicy: fc.constantFrom('ClusterFirst', 'Default', 'None'),
    dnsConfig: fc.constant({ nameservers: ['10.96.0.10', 'fd00::a'] }),
    securityContext: fc.constantFrom({}, { runAsUser: 1000, runAsGroup: 1000 }),
  },
  { requiredKeys: [], noNullPrototype: true },
)
const mesh = fc.constantFrom<JsonObject>(
  {},
  { proxyListenPort: 16001, proxyInboundListenPort: 16006 },
  { defaultConfig: { interceptionMode: 'TPROXY' } },
)

/** The rules and routes of a pod in one mode, as text of both backends. */
function rulesIn(mode: 'init' | 'cni', pod: JsonObject, meshConfig: JsonObject): unknown {
  const read = intentOfDecided(injected(pod, { mode, mesh: meshConfig }), mode)
  if (read.is !== 'redirect' || read.intent.kind !== 'sidecar') return read
  const families = [4, 6] as const
  const resolvers = { cluster: [address.parse('10.96.0.10')], node: [address.parse('192.0.2.53')] }
  const model = sidecarRules(read.intent, { families, resolvers })
  return [IPTABLES.render(model), NFTABLES.render(model).text, networkOf(read.intent, families)]
}

test('the node makes for a pod the rules that istio-init makes for it', () => {
  let compared = 0
  fc.assert(
    fc.property(annotations, spec, mesh, (said, parts, meshConfig) => {
      const pod = podOf({ annotations: said, spec: { containers: [{ name: 'web', image: 'web:1' }], ...parts } })
      const byInit = rulesIn('init', pod, meshConfig)
      assert.deepEqual(rulesIn('cni', pod, meshConfig), byInit)
      if (Array.isArray(byInit)) compared++
    }),
    { numRuns: 300 },
  )
  assert.ok(compared > 250, `only ${compared} pods had rules`)
})
