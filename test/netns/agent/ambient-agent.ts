import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { startAgent } from '../../../src/app/agent/start.ts'
import { DEFAULT_ENABLEMENT } from '../../../src/core/settings/ambient-enablement.ts'
import { type AmbientTestNode, KUBELET, MODE, type TestPod } from '../ambient-node.ts'
import { procWithKubelet } from '../kubelet.ts'
import { startPodProcess } from '../pod-process.ts'
import { agentOptions, NODE, temporaryFolder } from './node.ts'

/** An agent that does ambient for the pods of `node`, or with `ambient: null` does none, what its metrics say, and its thread for ztunnel. */
export async function startAmbientAgent(
  node: AmbientTestNode,
  pods: readonly TestPod[],
  given: {
    readonly annotations?: Readonly<Record<string, string>>
    readonly ztunnelSocket?: string
    readonly ambient?: null
  } = {},
) {
  const { annotations = {}, ztunnelSocket } = given
  const folder = temporaryFolder()
  const proc = await procWithKubelet(KUBELET.uid)
  for (const part of ['1/ns', 'sys/kernel/random']) mkdirSync(join(proc, part), { recursive: true })
  symlinkSync(node.host.path, join(proc, '1/ns/net'))
  writeFileSync(join(proc, 'sys/kernel/random/boot_id'), 'this boot\n')
  for (const pod of pods) {
    const pid = await startPodProcess(pod.uid, pod.netns)
    symlinkSync(`/proc/${pid}`, join(proc, String(pid)))
    node.api.show(pod, { labels: { [MODE]: 'ambient' }, annotations })
  }
  const objects = [
    { kind: 'Namespace', metadata: { name: 'shop', labels: {} } },
    ...node.api
      .all()
      .map(({ object }) => ({ kind: 'Pod', ...object, spec: { nodeName: NODE, serviceAccountName: 'web' } })),
  ]
  const options = agentOptions(folder, {
    pods: { from: 'objects', objects },
    ambient: 'ambient' in given ? null : { enablement: DEFAULT_ENABLEMENT, dnsCapture: true, branchEni: true },
  })
  const threads: Worker[] = []
  const onThread = (thread: Worker): void => void threads.push(thread)
  process.on('worker', onThread)
  const socket = ztunnelSocket ?? options.paths.ztunnelSocket
  const agent = await startAgent({ ...options, paths: { ...options.paths, proc, ztunnelSocket: socket } })
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
  return { agent, metric, until, threads, folder, socket }
}
