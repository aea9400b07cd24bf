import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { type RulesText, rulesText, type TextWish } from '../../../src/core/redirection/rules-text.ts'
import { sentence } from '../../../src/core/vocabulary/reasons.ts'

function added(document: JsonObject, backend: TextWish['backend'], family: TextWish['family']): RulesText {
  return rulesText(document, { backend, family, verb: 'add' })
}

function said(result: RulesText): string {
  return result.is === 'text' ? result.text : `${result.is}: ${sentence(result.reason)}`
}

const INJECTED: JsonObject = {
  metadata: { annotations: { 'sidecar.istio.io/status': '{}' } },
  spec: { containers: [{ name: 'istio-proxy' }] },
}
const withAnnotation = (name: string, value: string): JsonObject => ({
  ...INJECTED,
  metadata: { annotations: { 'sidecar.istio.io/status': '{}', [name]: value } },
})
const INTENT = 'sluice-mesh.io/intent'

/** what is shown, document, what must be in it */
const SHOWN: readonly (readonly [string, JsonObject, RegExp])[] = [
  ['a pod that Istio injected', INJECTED, /--dport 15090 -j RETURN/],
  [
    'what was decided before anything else',
    withAnnotation(INTENT, '{"v":1,"kind":"sidecar","outboundPort":"7"}'),
    /--to-ports 7$/m,
  ],
  ['an annotation of somebody else', withAnnotation(INTENT, '{"v":9}'), /^refused: .*version "9"/],
  ['a pod that is not injected', { spec: { containers: [] } }, /^skip: the pod has no container istio-proxy/],
  [
    'an ambient pod',
    { metadata: { labels: { 'istio.io/dataplane-mode': 'ambient' } }, spec: {} },
    /^# ip -4 rule add pref 32764 fwmark 0x111\/0xfff lookup 100\n# ip -4 route replace[^]*ISTIO_PRERT/,
  ],
  [
    'the pod of an init container',
    {
      spec: {
        initContainers: [{ name: 'istio-init', args: ['istio-iptables', '-p', '8'] }],
        containers: [{ name: 'istio-proxy' }],
      },
    },
    /--to-ports 8$/m,
  ],
  ['a configuration', { proxyPort: '9' }, /--to-ports 9$/m],
  ['a configuration of ambient', { mode: 'ambient-pod', config: { pod: { ingressMode: true } } }, /ISTIO_PRERT/],
  ['a bad configuration', { outboundCidrsExclude: '*' }, /^refused: .*outboundCidrsExclude has "\*"/],
  [
    'a bad address',
    { mode: 'ambient-host', config: { hostProbeSnatIp: '::1' } },
    /^refused: .*::1, which is no IPv4 address/,
  ],
  ['a bad user', { mode: 'ambient-host', config: { kubeletUid: 'root' } }, /^refused: .*"root"/],
  ['mode NONE', withAnnotation(INTENT, '{"v":1,"kind":"none"}'), /^$/],
]

for (const [what, document, want] of SHOWN)
  test(`the rules that are shown: ${what}`, () => assert.match(said(added(document, 'iptables', 4)), want))

test('the family decides which rules and routes are shown, and nftables shows both', () => {
  assert.match(
    said(added(INJECTED, 'iptables', 6)),
    /^# ip -6 addr add ::6\/128 dev lo\n\*nat\n[^]*-d ::1\/128 -j RETURN/,
  )
  assert.doesNotMatch(said(added(INJECTED, 'nftables', 4)), /ip6/)
  assert.match(said(added(INJECTED, 'nftables', 6)), /ip daddr 127\.0\.0\.1\/32[^]*ip6 daddr ::1\/128/)
})

test('a rule that the author of a pod wrote into an annotation is refused before a rule exists', () => {
  const hostile = fc
    .tuple(
      fc.constantFrom('tap0', '80', '10.0.0.0/8', '*'),
      fc.constantFrom(' ', '\n', ';', ' -j ACCEPT', '\n-A OUTPUT -j ACCEPT', '"', '\r', '\u2028', '--', '٣', '\0'),
      fc.string(),
    )
    .map((parts) => parts.join(''))
  const names = [
    'istio.io/reroute-virtual-interfaces',
    ...[
      'excludeInterfaces',
      'kubevirtInterfaces',
      'includeInboundPorts',
      'excludeInboundPorts',
      'includeOutboundPorts',
      'excludeOutboundPorts',
      'includeOutboundIPRanges',
      'excludeOutboundIPRanges',
    ].map((name) => `traffic.sidecar.istio.io/${name}`),
  ]
  const ambient = { metadata: { labels: { 'istio.io/dataplane-mode': 'ambient' } }, spec: {} }
  const plain = new Set(said(added(INJECTED, 'iptables', 4)).split('\n'))
  fc.assert(
    fc.property(fc.constantFrom(...names), hostile, (name, value) => {
      const shown = said(added(withAnnotation(name, value), 'iptables', 4))
      const ofAmbient = said(
        added({ ...ambient, metadata: { ...ambient.metadata, annotations: { [name]: value } } }, 'iptables', 4),
      )
      for (const text of [shown, ofAmbient]) {
        if (text.startsWith('refused: ')) assert.match(text, /^[\x20-\x7e…]+$/)
        else
          for (const line of text.split('\n'))
            assert.ok(plain.has(line) || /^[A-Za-z0-9 #*.:,\/!_-]*$/.test(line), line)
        assert.doesNotMatch(text, /^-A OUTPUT -j ACCEPT/m)
      }
    }),
    { numRuns: 500 },
  )
})

const AMBIENT: JsonObject = { metadata: { labels: { 'istio.io/dataplane-mode': 'ambient' } }, spec: {} }
const removed = (document: JsonObject, backend: TextWish['backend'], family: TextWish['family']): string =>
  said(rulesText(document, { backend, family, verb: 'remove' }))

test('what is removed is what was added, in the reverse order, and addresses and routes come last', () => {
  assert.equal(
    removed(AMBIENT, 'nftables', 4),
    [
      'delete table inet istio-ambient-mangle',
      'delete table inet istio-ambient-nat',
      '# ip -4 route del local 0.0.0.0/0 dev lo scope host table 100',
      '# ip -4 rule del pref 32764 fwmark 0x111/0xfff lookup 100',
      '',
    ].join('\n'),
  )
  const iptables = removed(INJECTED, 'iptables', 6)
  assert.match(iptables, /^\*nat\n-D PREROUTING -p tcp -j ISTIO_INBOUND\n-D OUTPUT -j ISTIO_OUTPUT\n-F ISTIO_/)
  assert.match(iptables, /\n-X ISTIO_OUTPUT\nCOMMIT\n# ip -6 addr del ::6\/128 dev lo\n$/)
  assert.match(removed(AMBIENT, 'nftables', 6), /# ip -6 route del[^]*# ip -4 rule del/, 'of both families')
})
