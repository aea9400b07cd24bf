import assert from 'node:assert/strict'
import { test } from 'node:test'
import { probeBlockers } from '../../../src/core/redirection/probe-blockers.ts'
import { sentence } from '../../../src/core/vocabulary/reasons.ts'

for (const [name, setting] of [
  ['cilium_host', 'bpf.masquerade=false'],
  ['bpfin.cali', 'Calico 3.29'],
  ['ovn-k8s-mp0', 'routingViaHost: true'],
  ['vlan.eth.1', 'POD_SECURITY_GROUP_ENFORCING_MODE=standard'],
] as const)
  test(`a network that may keep probes away is named with its setting: ${name}`, () => {
    const [risk, ...more] = probeBlockers(['lo', 'eth0', name])
    assert.deepEqual(more, [])
    assert.ok(risk)
    assert.ok(sentence(risk).includes(setting), sentence(risk))
  })

test('a node of networks that let probes through has nothing to be told', () => {
  assert.deepEqual(probeBlockers(['lo', 'eth0', 'cni0', 'flannel.1', 'cali12345']), [])
})
