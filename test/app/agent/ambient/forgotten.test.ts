import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Marks } from '../../../../src/app/agent/ambient/marks.ts'
import { PodConditions } from '../../../../src/app/agent/verify/pod-conditions.ts'
import { Proofs } from '../../../../src/app/agent/verify/proofs.ts'
import type { ClusterClient } from '../../../../src/edge/cluster/client.ts'

/** An API server that answers when it is told to: no real one can be held between a patch and its answer. */
class SlowServer {
  readonly asked: string[] = []
  readonly bodies: string[] = []
  readonly #answers: (() => void)[] = []
  #came = Promise.withResolvers<undefined>()

  readonly patch: ClusterClient['patch'] = async ({ name }, _type, body) => {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.asked.push(name ?? '')
    this.bodies.push(JSON.stringify(body))
    this.#answers.push(() => resolve(undefined))
    this.#came.resolve(undefined)
    this.#came = Promise.withResolvers()
    await promise
    return { metadata: {} }
  }

  async asks(count: number): Promise<void> {
    while (this.asked.length < count) await this.#came.promise
  }

  async answer(): Promise<void> {
    this.#answers.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const pod = (uid: string) => ({ uid, namespace: 'shop', name: uid, object: { metadata: { uid } } })

test('what was written of a pod that went meanwhile is not remembered: its annotation', async () => {
  const server = new SlowServer()
  const marks = new Marks({ client: server, report: () => assert.fail() })
  marks.set(pod('a'), 'enabled')
  marks.forget('a')
  await server.answer()
  marks.set(pod('a'), 'enabled')
  assert.deepEqual(server.asked, ['a', 'a'])
  await server.answer()
  marks.set(pod('a'), 'enabled')
  assert.deepEqual(server.asked, ['a', 'a'], 'what is known to be written is not written again')
})

test('what was written of a pod that went meanwhile is not remembered: its conditions, nor are those written that waited', async () => {
  const server = new SlowServer()
  const conditions = new PodConditions({ client: server, report: () => assert.fail() })
  const stop = new AbortController()
  const running = conditions.loop.run(stop.signal)
  const verdict = { is: 'redirected', measured: [], also: [] } as const
  const proofs = new Proofs()
  const tell = (uid: string): void => conditions.tell(proofs.record(pod(uid), 'ambient', verdict), false)
  for (const uid of ['a', 'b']) tell(uid)
  await server.asks(1)
  for (const uid of ['a', 'b']) conditions.forget(uid)
  await server.answer()
  assert.deepEqual(server.asked, ['a'])
  tell('a')
  await server.asks(2)
  assert.deepEqual(server.asked, ['a', 'a'])
  assert.doesNotMatch(server.bodies[1] ?? '', /evict/, 'it is told as one of which nothing was ever said')
  await server.answer()
  stop.abort()
  await running
})
