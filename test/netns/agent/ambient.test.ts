import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startAgent } from '../../../src/app/agent/start.ts'
import { DEFAULT_ENABLEMENT } from '../../../src/core/settings/ambient-enablement.ts'
import { KUBELET, makeNode, MODE } from '../ambient-node.ts'
import { procWithKubelet } from '../kubelet.ts'
import { startPodProcess } from '../pod-process.ts'
import { inNetns } from '../world.ts'
import { Ztunnel } from '../ztunnel.ts'
import { agentOptions, NODE, temporaryFolder } from './node.ts'

test('a whole agent brings a running pod in, measures it, and leaves it as it is when it stops', async () => {
  const node = await makeNode()
  const folder = temporaryFolder()
  const pod = await node.addPod({ asProcess: false })
  const proc = await procWithKubelet(KUBELET.uid)
  const pid = await startPodProcess(pod.uid, pod.netns)
  symlinkSync(`/proc/${pid}`, join(proc, String(pid)))
  for (const part of ['1/ns', 'sys/kernel/random']) mkdirSync(join(proc, part), { recursive: true })
  symlinkSync(node.host.path, join(proc, '1/ns/net'))
  writeFileSync(join(proc, 'sys/kernel/random/boot_id'), 'this boot\n')
  node.api.show(pod, { labels: { [MODE]: 'ambient' } })
  const { object } = node.api.get(pod.uid) ?? assert.fail()
  const objects = [
    { kind: 'Namespace', metadata: { name: 'shop', labels: {} } },
    { kind: 'Pod', ...object, spec: { nodeName: NODE, serviceAccountName: 'web' } },
  ]
  const options = agentOptions(folder, {
    pods: { from: 'objects', objects },
    ambient: { enablement: DEFAULT_ENABLEMENT, dnsCapture: true },
  })
  const agent = await startAgent({ ...options, paths: { ...options.paths, proc } })
  after(() => agent.close())
  const metric = async (name: string): Promise<string | undefined> => {
    const { address, port } = agent.metricsAddress
    const text = await (await fetch(`http://${address}:${port}/metrics`)).text()
    return text.split('\n').find((line) => line.startsWith(`${name} `))
  }
  const until = async (line: string): Promise<void> => {
    const name = line.slice(0, line.lastIndexOf(' '))
    for (let waited = 0; (await metric(name)) !== line; waited += 200) {
      assert.ok(waited < 30_000, `${String(await metric(name))} instead of ${line}`)
      await sleep(200)
    }
  }
  await until('sluice_ambient_pods{state="waiting"} 1')
  new Ztunnel(options.paths.ztunnelSocket, 0, 'serve').tell({ do: 'hello' })
  await until('sluice_ambient_pods{state="proven"} 1')
  assert.equal(await metric('ztunnel_connected'), 'ztunnel_connected 1')
  await agent.close()
  assert.ok(inNetns(pod.netns, 'nft', 'list', 'ruleset').includes('istio-ambient-nat'))
  assert.equal((await node.probePath.members()).size, 2)
})
