import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { redirectionWords } from '../../../src/core/explain/redirection-words.ts'
import { cidr, group, networkInterface, port } from '../../../src/core/intent/grammar.ts'
import { BARE_SIDECAR, PLAIN_AMBIENT } from '../../../src/core/intent/intent.ts'
import { anyIntent } from '../intent/any-intent.ts'

test('the words of an intent say what its rules do', () => {
  const usual = {
    ...BARE_SIDECAR,
    inboundPorts: '*',
    inboundPortsExcluded: [port.parse('15020')],
    outboundCidrs: '*',
  } as const
  assert.deepEqual(redirectionWords(usual), [
    'inbound TCP to every port but 15020 goes to port 15006 of the proxy',
    "port 15008 (HBONE) is the proxy's own",
    'outbound TCP goes to port 15001 of the proxy',
    "what user 1337 or group 1337 sends is the proxy's own and is left alone",
  ])
  const special = redirectionWords({
    ...BARE_SIDECAR,
    interception: 'TPROXY',
    inboundPorts: [port.parse('80')],
    outboundCidrs: [cidr.parse('10.0.0.0/8')],
    outboundPorts: [port.parse('443')],
    outboundPortsExcluded: ['25', '26'].map(port.parse),
    dns: 'all',
    ownerGroups: [group.parse('2000')],
    virtualInterfaces: [networkInterface.parse('tap0')],
    excludedInterfaces: [networkInterface.parse('net1')],
    dropInvalid: true,
  })
  assert.deepEqual(special, [
    'inbound TCP to port 80 goes to port 15006 of the proxy, which sees the real source address (TPROXY)',
    "port 15008 (HBONE) is the proxy's own",
    'outbound TCP to 10.0.0.0/8, anywhere on port 443, but not to ports 25, 26, goes to port 15001 of the proxy',
    'all DNS goes to the proxy',
    "what user 1337 or group 1337 sends is the proxy's own and is left alone",
    'of outbound traffic, only what group 2000 sends is redirected',
    'what comes in from tap0 counts as outbound',
    'traffic of net1 is left alone',
    'packets that belong to no connection are dropped',
  ])
  assert.match(
    redirectionWords({ ...usual, ownerGroups: [] }).join('\n'),
    /^outbound traffic is not redirected: the list of its groups is empty$/m,
  )
  assert.match(
    redirectionWords({ ...usual, ownerGroupsExcluded: [group.parse('3000')], dns: 'resolvers' }).join('\n'),
    /^DNS asked of the pod’s own servers [^]*^what group 3000 sends is left alone$/m,
  )
  assert.deepEqual(redirectionWords({ kind: 'none' }), [
    'nothing is redirected: the application talks to its proxy by itself',
  ])
  assert.deepEqual(redirectionWords(BARE_SIDECAR).slice(0, 2), [
    'inbound traffic is not redirected',
    'outbound traffic is not redirected',
  ])
  assert.deepEqual(redirectionWords({ ...PLAIN_AMBIENT, ingress: true, dns: 'off' }), [
    'inbound traffic goes straight to the application',
    'outbound TCP goes to ztunnel',
    'DNS is left alone',
  ])
  fc.assert(
    fc.property(anyIntent, (intent) =>
      redirectionWords(intent).forEach((words) => assert.match(words, /^[a-zA-Z][^\n]*[^.]$/)),
    ),
  )
})
