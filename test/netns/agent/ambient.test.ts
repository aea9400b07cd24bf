import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { Ztunnels } from '../../../src/app/agent/ambient/ztunnels.ts'
import { startAgent } from '../../../src/app/agent/start.ts'
import { DEFAULT_ENABLEMENT } from '../../../src/core/settings/ambient-enablement.ts'
import { type AmbientTestNode, KUBELET, makeNode, MODE, type TestPod } from '../ambient-node.ts'
import { procWithKubelet } from '../kubelet.ts'
import { startPodProcess } from '../pod-process.ts'
import { inNetns } from '../world.ts'
import { Ztunnel } from '../ztunnel.ts'
import { agentOptions, NODE, temporaryFolder } from './node.ts'

/** An agent that does ambient for the pods of `node`, what its metrics say, and its thread for ztunnel. */
async function startAmbientAgent(node: AmbientTestNode, pods: readonly TestPod[]) {
  const folder = temporaryFolder()
  const proc = await procWithKubelet(KUBELET.uid)
  for (const part of ['1/ns', 'sys/kernel/random']) mkdirSync(join(proc, part), { recursive: true })
  symlinkSync(node.host.path, join(proc, '1/ns/net'))
  writeFileSync(join(proc, 'sys/kernel/random/boot_id'), 'this boot\n')
  for (const pod of pods) {
    const pid = await startPodProcess(pod.uid, pod.netns)
    symlinkSync(`/proc/${pid}`, join(proc, String(pid)))
    node.api.show(pod, { labels: { [MODE]: 'ambient' } })
  }
  const objects = [
    { kind: 'Namespace', metadata: { name: 'shop', labels: {} } },
    ...node.api
      .all()
      .map(({ object }) => ({ kind: 'Pod', ...object, spec: { nodeName: NODE, serviceAccountName: 'web' } })),
  ]
  const options = agentOptions(folder, {
    pods: { from: 'objects', objects },
    ambient: { enablement: DEFAULT_ENABLEMENT, dnsCapture: true },
  })
  const threads: Worker[] = []
  const onThread = (thread: Worker): void => void threads.push(thread)
  process.on('worker', onThread)
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
      assert.ok(waited < 60_000, `${String(await metric(name))} instead of ${line}`)
      await sleep(200)
    }
  }
  return { agent, metric, until, threads, socket: options.paths.ztunnelSocket }
}

async function appears(path: string): Promise<void> {
  for (let waited = 0; !existsSync(path); waited += 100) {
    assert.ok(waited < 60_000, `${path} does not appear`)
    await sleep(100)
  }
}

test('a whole agent brings a running pod in, measures it, and leaves it as it is when it stops', async () => {
  const node = await makeNode()
  const pod = await node.addPod({ asProcess: false })
  const { agent, metric, until, socket } = await startAmbientAgent(node, [pod])
  await until('sluice_ambient_pods{state="waiting"} 1')
  new Ztunnel(socket, 0, 'serve').tell({ do: 'hello' })
  await until('sluice_ambient_pods{state="proven"} 1')
  assert.equal(await metric('ztunnel_connected'), 'ztunnel_connected 1')
  await agent.close()
  assert.ok(inNetns(pod.netns, 'nft', 'list', 'ruleset').includes('istio-ambient-nat'))
  assert.equal((await node.probePath.members()).size, 2)
})

test("ztunnel's socket file is put back; one that another agent took is left to it, told, and taken over", async () => {
  const { until, socket, metric } = await startAmbientAgent(await makeNode(), [])
  await appears(socket)
  const greet = async (): Promise<void> => {
    const ztunnel = new Ztunnel(socket)
    ztunnel.tell({ do: 'hello' })
    assert.deepEqual(await ztunnel.see(2), [{ saw: 'connected' }, { saw: 'snapshot' }])
  }
  await greet()
  rmSync(socket)
  await until('sluice_sockets_renewed_total{socket="ztunnel"} 1')
  await greet()
  assert.equal(await metric('ztunnel_connected'), 'ztunnel_connected 2')
  rmSync(socket)
  const other = Ztunnels.start({ socket, onEvent: () => {} })
  await until('sluice_alarms{reason="ztunnel_socket_owned"} 1')
  await other[Symbol.asyncDispose]()
  await until('sluice_alarms{reason="ztunnel_socket_owned"} 0')
  await greet()
})

test('an agent whose thread for ztunnel is killed says so, serves nobody and asks to be started anew', async () => {
  const { until, threads, socket } = await startAmbientAgent(await makeNode(), [])
  await appears(socket)
  new Ztunnel(socket).tell({ do: 'hello' })
  await until('ztunnel_connected 1')
  const asked = once(process, 'SIGTERM')
  await threads.at(-1)?.terminate()
  await asked
  await until('ztunnel_connected 0')
  await until('sluice_alarms{reason="ztunnel_thread_ended"} 1')
})
