import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeIntent } from '../../../src/core/intent/codec.ts'
import type { IntentResult } from '../../../src/core/intent/intent.ts'
import { intentOfDecided, intentOfPod } from '../../../src/core/intent/pod.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { sentence } from '../../../src/core/vocabulary/reasons.ts'

const STATUS = { 'sidecar.istio.io/status': '{}' }

interface Pod {
  readonly annotations?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly proxy?: JsonObject
  readonly init?: readonly JsonObject[]
  readonly spec?: JsonObject
}

function pod({ annotations, labels, proxy, init, spec }: Pod): JsonObject {
  return {
    metadata: { annotations: { ...STATUS, ...annotations }, labels: labels ?? {} },
    spec: { initContainers: init ?? [], containers: [{ name: 'app' }, { name: 'istio-proxy', ...proxy }], ...spec },
  }
}

const text = (result: IntentResult): string =>
  result.is === 'redirect' ? encodeIntent(result.intent) : `${result.is}: ${sentence(result.reason)}`

const TRAFFIC = 'traffic.sidecar.istio.io'

/** name, pod, what must be said of it */
const READ: readonly (readonly [string, Pod, RegExp])[] = [
  [
    'nothing special',
    {},
    /^\{"v":1,"kind":"sidecar","inboundPorts":"\*","inboundPortsExcluded":"15020,15021,15090","outboundCidrs":"\*","outboundPortsExcluded":"15020","dnsPolicy":"cluster"\}$/,
  ],
  ['istio-init', { init: [{ name: 'istio-init' }] }, /^skip: the container istio-init/],
  ['no proxy', { spec: { containers: [{ name: 'app' }] } }, /^skip: the pod has no container istio-proxy/],
  [
    'an ephemeral proxy',
    { spec: { containers: [], ephemeralContainers: [{ name: 'istio-proxy' }] } },
    /^skip: the pod has no container/,
  ],
  ['no Envoy', { proxy: { env: [{ name: 'DISABLE_ENVOY', value: 'T' }] } }, /^skip: DISABLE_ENVOY/],
  ['a router', { proxy: { args: ['proxy', 'router'] } }, /^skip: istio-proxy runs as "router"/],
  ['an opt-out', { annotations: { 'sidecar.istio.io/inject': 'f' } }, /^skip: the annotation sidecar/],
  ['an opt-out label', { labels: { 'sidecar.istio.io/inject': 'false' } }, /^skip: the label sidecar/],
  ['mode NONE', { annotations: { 'sidecar.istio.io/interceptionMode': 'NONE' } }, /^skip: .* is NONE/],
  [
    'a mode that is none',
    { annotations: { 'sidecar.istio.io/interceptionMode': 'redirect' } },
    /^refused: .*interceptionMode has "redirect"/,
  ],
  [
    'its own user and group',
    { proxy: { securityContext: { runAsUser: 5, runAsGroup: 6 } } },
    /"proxyUids":"5","proxyGids":"6"/,
  ],
  [
    'the user of the pod',
    { spec: { securityContext: { runAsUser: 7 }, containers: [{ name: 'istio-proxy' }] } },
    /"proxyUids":"7"/,
  ],
  [
    'a user that is no number',
    { proxy: { securityContext: { runAsUser: '1;2' } } },
    /^refused: .*runAsUser of istio-proxy has/,
  ],
  [
    'spaces between ports',
    { annotations: { [`${TRAFFIC}/includeInboundPorts`]: ' 80 , 443' } },
    /"inboundPorts":"80,443"/,
  ],
  [
    'a wildcard among exclusions',
    { annotations: { [`${TRAFFIC}/excludeOutboundPorts`]: '*' } },
    /^refused: .*excludeOutboundPorts has "\*"/,
  ],
  [
    'a wildcard of outbound ports',
    { annotations: { [`${TRAFFIC}/includeOutboundPorts`]: '*' } },
    /^refused: .*includeOutboundPorts has "\*"/,
  ],
  [
    'spaces between CIDRs',
    { annotations: { [`${TRAFFIC}/excludeOutboundIPRanges`]: '10.0.0.0/8, 11.0.0.0/8' } },
    /^refused/,
  ],
  ['a reversed range', { annotations: { [`${TRAFFIC}/excludeInboundPorts`]: '90-80' } }, /^refused/],
  [
    'Unicode digits',
    { annotations: { [`${TRAFFIC}/excludeInboundPorts`]: '８０' } },
    /^refused: .*has "\\uff18\\uff10"/,
  ],
  [
    '100000 ports',
    { annotations: { [`${TRAFFIC}/excludeInboundPorts`]: Array(100_000).fill('1').join(',') } },
    /^refused: .*more than 1024 items/,
  ],
  [
    'a rule in an interface',
    { annotations: { 'istio.io/reroute-virtual-interfaces': 'tap0 -j ACCEPT\n-A OUTPUT' } },
    /^refused/,
  ],
  ['DNS', { proxy: { env: [{ name: 'ISTIO_META_DNS_CAPTURE', value: '1' }] } }, /"dns":"all"/],
  ['DNS from elsewhere', { proxy: { env: [{ name: 'ISTIO_META_DNS_CAPTURE', valueFrom: {} }] } }, /^(?!.*"dns")/],
  [
    'owner groups',
    { proxy: { env: [{ name: 'ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE', value: '101,102' }] } },
    /"ownerGroupsExcluded":"101,102"/,
  ],
  [
    'a group by name',
    { proxy: { env: [{ name: 'ISTIO_OUTBOUND_OWNER_GROUPS', value: 'java' }] } },
    /^refused: .*"java", which only/,
  ],
  [
    'ports of the mesh',
    { init: [{ name: 'istio-validation', args: ['istio-iptables', '-p', '25001', '-z', '25006', '--newer=1'] }] },
    /"outboundPort":"25001","inboundPort":"25006"/,
  ],
]

for (const [what, given, says] of READ)
  test(`a node reads a pod that Istio injected: ${what}`, () => assert.match(text(intentOfPod(pod(given))), says))

test('a pod that nobody injected is left alone', () => {
  const bare: JsonObject = { spec: { containers: [{ name: 'istio-proxy' }] } }
  assert.match(text(intentOfPod(bare)), /^skip: nobody injected/)
})

const ARGS = [
  'istio-iptables',
  '-p',
  '15001',
  '-z',
  '15006',
  '-u',
  '1337',
  '-m',
  'REDIRECT',
  '-i',
  '*',
  '-x',
  '',
  '-b',
  '*',
]
const ENV = [
  { name: 'ISTIO_META_DNS_CAPTURE', value: 'true' },
  { name: 'ISTIO_OUTBOUND_OWNER_GROUPS', value: '2000' },
]

test('the node makes the rules that istio-init would have made', () => {
  const spec = { dnsPolicy: 'None', dnsConfig: { nameservers: ['10.96.0.10'] } }
  const args = [...ARGS, '-d', '15090,15021,15020', '-o', '3306', '--log_output_level=default:info']
  const proxy = { env: ENV, securityContext: { runAsUser: 1337, runAsGroup: 1337 } }
  const byInit = pod({ init: [{ name: 'istio-init', args, env: ENV }], proxy })
  const byNode = pod({
    init: [{ name: 'istio-validation', args: [...args, '--run-validation', '--skip-rule-apply'], env: ENV }],
    proxy,
  })
  const [init, node] = [
    intentOfDecided({ ...byInit, spec: { ...(byInit['spec'] as JsonObject), ...spec } }, 'init'),
    intentOfDecided({ ...byNode, spec: { ...(byNode['spec'] as JsonObject), ...spec } }, 'cni'),
  ]
  assert.ok(init.is === 'redirect')
  assert.deepEqual(node, init)
  assert.match(text(node), /"ownerGroups":"2000","dns":"resolvers","dnsServers":"10.96.0.10"/)
})

/** what is decided, pod, what must be said of it */
const DECIDED: readonly (readonly [string, Parameters<typeof intentOfDecided>[1], Pod, RegExp])[] = [
  [
    'nothing in mode NONE',
    'cni',
    { proxy: { env: [{ name: 'ISTIO_META_INTERCEPTION_MODE', value: 'NONE' }] } },
    /^\{"v":1,"kind":"none"\}$/,
  ],
  [
    'a gateway, whose injection wanted no container',
    'cni',
    { annotations: { 'sidecar.istio.io/status': '{"initContainers":null,"containers":["istio-proxy"]}' } },
    /^\{"v":1,"kind":"none"\}$/,
  ],
  [
    'a container that the injection wanted and somebody took away',
    'cni',
    { annotations: { 'sidecar.istio.io/status': '{"initContainers":["istio-validation"]}' } },
    /^refused: the pod has no container istio-validation/,
  ],
  ['no container that says it', 'cni', {}, /^refused: the pod has no container istio-validation/],
  [
    'an annotation that cannot be read, by its name and not by that of the argument which it became',
    'cni',
    {
      annotations: { [`${TRAFFIC}/includeOutboundPorts`]: '*' },
      init: [{ name: 'istio-validation', args: ['istio-iptables', '-q', '*'] }],
    },
    /^refused: .* the annotation traffic\.sidecar\.istio\.io\/includeOutboundPorts has "\*", which is no port/,
  ],
  [
    'a group by name, which istio-init knows',
    'init',
    { init: [{ name: 'istio-init', args: ARGS, env: [{ name: 'ISTIO_OUTBOUND_OWNER_GROUPS', value: 'java' }] }] },
    /"ownerGroups":"java"/,
  ],
  ['an ambient pod', 'ambient', {}, /^\{"v":1,"kind":"ambient"\}$/],
  [
    'an ambient ingress',
    'ambient',
    {
      annotations: {
        'ambient.istio.io/bypass-inbound-capture': 'true',
        'ambient.istio.io/dns-capture': 'false',
        'istio.io/reroute-virtual-interfaces': ' tap0,, br-int ',
      },
    },
    /"ingress":"true","dns":"off","virtualInterfaces":"tap0,br-int"/,
  ],
  [
    'an ambient pod with text that is no boolean',
    'ambient',
    { annotations: { 'ambient.istio.io/dns-capture': 'yes' } },
    /^\{"v":1,"kind":"ambient"\}$/,
  ],
  [
    'an ambient pod whose author writes rules',
    'ambient',
    { annotations: { 'istio.io/reroute-virtual-interfaces': 'tap0\n-A ISTIO_OUTPUT -j ACCEPT' } },
    /^refused/,
  ],
]

for (const [what, mode, given, says] of DECIDED)
  test(`the annotation tells ${what}`, () => assert.match(text(intentOfDecided(pod(given), mode)), says))

test('no pod, however made, crashes the reading or changes', () => {
  const jsons = fc.jsonValue({ maxDepth: 3 })
  const pods = fc.record({
    metadata: fc.oneof(
      jsons,
      fc.record({
        annotations: fc.dictionary(
          fc.constantFrom(
            'sidecar.istio.io/status',
            `${TRAFFIC}/excludeInboundPorts`,
            'istio.io/reroute-virtual-interfaces',
          ),
          fc.oneof(fc.string(), jsons),
        ),
      }),
    ),
    spec: fc.oneof(
      jsons,
      fc.record({
        initContainers: jsons,
        containers: fc.array(
          fc.record(
            {
              name: fc.constantFrom('istio-proxy', 'istio-init', 'istio-validation'),
              args: jsons,
              env: jsons,
              securityContext: jsons,
            },
            { requiredKeys: ['name'] },
          ),
        ),
      }),
    ),
  })
  fc.assert(
    fc.property(pods, (value) => {
      const before = JSON.stringify(value)
      for (const result of [intentOfPod(value), intentOfDecided(value, 'cni')]) assert.ok(text(result).length > 0)
      assert.equal(JSON.stringify(value), before)
    }),
  )
})
