import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifyPod } from '../../src/app/agent/verify/pod.ts'
import { decodeIntent } from '../../src/core/intent/codec.ts'
import { redirectorWith } from './agent/redirectors.ts'
import { makeScene } from './scene.ts'
import { startWorker } from './world.ts'

/** What authors ask for that leaves part of the traffic alone: the rules as they were asked for are no fault. */
const INTENTS: readonly Readonly<Record<string, string>>[] = [
  { outboundCidrs: '0.0.0.0/0' },
  { outboundCidrs: '*', outboundCidrsExcluded: '0.0.0.0/0' },
  { outboundCidrs: '10.0.0.0/8', outboundCidrsExcluded: '10.0.0.0/8,::/0' },
  { outboundPorts: '3306', outboundPortsExcluded: '15020,53' },
  { outboundCidrs: '*', outboundPortsExcluded: '53,80,443' },
  { outboundCidrs: '*', ownerGroups: '' },
  { outboundCidrs: '*', ownerGroups: '2000' },
  { outboundCidrs: '*', ownerGroupsExcluded: '1000,1001' },
  { outboundCidrs: '*', excludedInterfaces: 'net1', virtualInterfaces: 'tap0' },
  { outboundCidrs: '*', excludedInterfaces: 'eth0' },
  { outboundCidrs: '*', proxyUids: '0', proxyGids: '0' },
  { outboundCidrs: '*', proxyUids: '1000', proxyGids: '1000' },
  { outboundCidrs: '*', dropInvalid: 'true', loopback: '127.0.0.0/8' },
  { outboundCidrs: '*', inboundPorts: '' },
  { outboundCidrs: '', inboundPorts: '0,8080' },
  { outboundCidrs: '127.0.0.0/8,::1/128' },
  { outboundCidrs: '127.0.0.1/32' },
  { outboundCidrs: '127.1.2.3/32' },
  { outboundCidrs: '*', outboundPort: '25001', inboundPort: '25006', tunnelPort: '25008' },
]

const [worker, prober] = [await startWorker(), await startWorker(null)]
const redirector = redirectorWith({ worker, prober, backend: null })
await redirector.tryNode()

for (const interception of ['REDIRECT', 'TPROXY'])
  test(`rules that leave traffic alone as they were asked to are measured as right: ${interception}`, async () => {
    const scene = await makeScene(null, [])
    for (const fields of INTENTS) {
      const text = JSON.stringify({ v: 1, kind: 'sidecar', interception, inboundPorts: '*', dns: 'all', ...fields })
      const read = decodeIntent(text)
      assert.ok(read.is === 'redirect' && read.intent.kind === 'sidecar', JSON.stringify(read))
      const made = await redirector.redirect(scene.pod.handle, read.intent)
      assert.equal(made.is, 'redirected', JSON.stringify(made))
      const compared = await redirector.compare(scene.pod.handle, read.intent)
      const verdict = await verifyPod(scene.pod.handle, scene.pod.path, read.intent, {
        ...{ worker: prober, proxyExpected: false, outside: scene.node.handle, proc: '/proc', resolvers: null },
        ...{ ambientDns: false, missing: compared.is === 'compared' ? compared.difference.missing : null },
      })
      // what nobody can measure is no pass, and no fault
      const expected = fields['excludedInterfaces'] === 'eth0' ? 'unknown' : 'redirected'
      assert.equal(verdict.is, expected, `${JSON.stringify(fields)}: ${JSON.stringify(verdict)}`)
    }
  })
