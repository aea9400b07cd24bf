import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifyPod } from '../../src/app/agent/verify/pod.ts'
import { decodeIntent } from '../../src/core/intent/codec.ts'
import type { Verdict } from '../../src/core/redirection/evidence.ts'
import { redirectorWith } from './agent/redirectors.ts'
import { makeScene, type Scene } from './scene.ts'
import { ip, startWorker } from './world.ts'

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

const worker = await startWorker()
const redirector = redirectorWith({ worker, backend: null })
await redirector.tryNode()

/** What is measured of a pod with the rules that these fields ask for. */
async function measured(scene: Scene, fields: Readonly<Record<string, string>>): Promise<Verdict> {
  const read = decodeIntent(JSON.stringify({ v: 1, kind: 'sidecar', inboundPorts: '*', dns: 'all', ...fields }))
  assert.ok(read.is === 'redirect' && read.intent.kind === 'sidecar', JSON.stringify(read))
  const made = await redirector.redirect(scene.pod.handle, read.intent)
  assert.equal(made.is, 'redirected', JSON.stringify(made))
  const compared = await redirector.compare(scene.pod.handle, read.intent)
  return await verifyPod(scene.pod.handle, scene.pod.path, read.intent, {
    ...{ worker, proxyExpected: false, outside: scene.node.handle, proc: '/proc', resolvers: null },
    ...{ ambientDns: false, missing: compared.is === 'compared' ? compared.difference.missing : null },
  })
}

for (const interception of ['REDIRECT', 'TPROXY'])
  test(`rules that leave traffic alone as they were asked to are measured as right: ${interception}`, async () => {
    const scene = await makeScene(null, [])
    for (const fields of INTENTS) {
      const verdict = await measured(scene, { interception, ...fields })
      // what nobody can measure is no pass, and no fault
      const expected = fields['excludedInterfaces'] === 'eth0' ? 'unknown' : 'redirected'
      assert.equal(verdict.is, expected, `${JSON.stringify(fields)}: ${JSON.stringify(verdict)}`)
    }
  })

test('by which interface a pod sends is asked of its routes: what leaves by one that its author excluded is not measured', async () => {
  const scene = await makeScene(null, [])
  for (const version of ['-4', '-6']) ip('-n', scene.pod.name, version, 'route', 'replace', 'default', 'dev', 'net1')
  for (const [excludedInterfaces, classes] of [
    ['net1', ['inbound']],
    ['eth0', ['outbound', 'proxy', 'dns-tcp', 'dns-udp']],
    ['tap0,absent0', ['outbound', 'proxy', 'dns-tcp', 'dns-udp', 'inbound']],
  ] as const) {
    const verdict = await measured(scene, { outboundCidrs: '*', excludedInterfaces })
    assert.equal(verdict.is, 'redirected', `${excludedInterfaces}: ${JSON.stringify(verdict)}`)
    assert.deepEqual([...new Set(verdict.measured.map(({ class: one }) => one))].toSorted(), classes.toSorted())
  }
})
