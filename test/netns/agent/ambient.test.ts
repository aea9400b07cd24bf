import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Ztunnels } from '../../../src/app/agent/ambient/ztunnels.ts'
import { makeNode } from '../ambient-node.ts'
import { inNetns } from '../world.ts'
import { Ztunnel } from '../ztunnel.ts'
import { startAmbientAgent } from './ambient-agent.ts'

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
