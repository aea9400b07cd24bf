import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Journal } from '../../../src/app/agent/journal.ts'
import { NetnsFinder } from '../../../src/app/agent/netns-finder.ts'
import { type NodePod, NodePods } from '../../../src/app/agent/node-pods.ts'
import { agentMetrics } from '../../../src/app/agent/record.ts'
import { type Proving, proving } from '../../../src/app/agent/verify/proving.ts'
import { encodeIntent } from '../../../src/core/intent/codec.ts'
import { BARE_SIDECAR, type Intent } from '../../../src/core/intent/intent.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'
import type { ReasonCode } from '../../../src/core/vocabulary/reasons.ts'
import { openNetns } from '../../../src/edge/host/namespaces.ts'
import { createLogger } from '../../../src/edge/telemetry/logger.ts'
import { podUid, startPodProcess } from '../pod-process.ts'
import { redirectorWith } from './redirectors.ts'
import { ADDRESS, makeScene, type Scene } from '../scene.ts'
import { inNetns, startWorker, untilEnd } from '../world.ts'

const worker = await startWorker()
const host = untilEnd(openNetns('/proc/self/ns/net'))
const INTENT: Intent = { ...BARE_SIDECAR, inboundPorts: '*', outboundCidrs: '*', dns: 'all' }
const redirector = redirectorWith({ worker, backend: null })
await redirector.tryNode()

/** The pods of a node whose API server says something new of one. */
class ChangingPods extends NodePods {
  readonly #listeners: Parameters<NodePods['onChange']>[0][] = []
  readonly #statuses = new Map<string, JsonObject>()

  override onChange(listener: Parameters<NodePods['onChange']>[0]): () => void {
    this.#listeners.push(listener)
    return super.onChange(listener)
  }

  override get(uid: string): NodePod | undefined {
    const [pod, status] = [super.get(uid), this.#statuses.get(uid)]
    return pod === undefined || status === undefined ? pod : { ...pod, object: { ...pod.object, status } }
  }

  show(uid: string, status: JsonObject): void {
    this.#statuses.set(uid, status)
    const pod = this.get(uid)
    if (pod !== undefined) for (const listener of this.#listeners) listener(pod, 'put')
  }
}

interface Part {
  readonly pods: ChangingPods
  readonly proving: Proving
  readonly uid: string
  readonly scene: Scene
  /** what was counted, by cure and result */
  readonly repairs: () => Promise<string>
}

interface Given {
  /** another pod of the node, which is looked at after the first, and of which nothing can be known */
  readonly later?: string
  /** called when a pod is looked at, before it is measured */
  readonly onLook?: (pods: ChangingPods, uid: string) => void
  readonly mode?: 'cni' | 'init'
  readonly status?: JsonObject
  readonly spec?: JsonObject
}

/** The measuring part of an agent, and a pod of its node that was promised redirection. */
async function start(t: TestContext, { mode = 'cni', status, spec, later, onLook }: Given = {}): Promise<Part> {
  const scene = await makeScene(null, [])
  const uid = podUid()
  await startPodProcess(uid, scene.pod)
  const pod: JsonObject = {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: {
      ...{ uid, namespace: 'shop', name: 'web' },
      annotations: { 'sluice-mesh.io/decided': mode, 'sluice-mesh.io/intent': encodeIntent(INTENT) },
    },
    spec: { nodeName: 'node-1', containers: [{ name: 'app' }], ...spec },
    status: { phase: 'Running', podIP: ADDRESS.pod[4], podIPs: [{ ip: ADDRESS.pod[4] }], ...status },
  }
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }
  const others: readonly JsonObject[] =
    later === undefined
      ? []
      : [
          {
            ...pod,
            metadata: { ...(pod['metadata'] as JsonObject), uid: later, name: 'later' },
            status: { phase: 'Running', podIP: '10.99.99.99' },
          },
        ]
  const pods = new ChangingPods({
    ...{ nodeName: 'node-1', report: () => undefined },
    pods: { from: 'objects', objects: [namespace, pod, ...others] },
  })
  const directory = mkdtempSync(join(tmpdir(), 'sluice-sweep-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const journal = new Journal(join(directory, 'journal.json'), 'boot')
  const metrics = agentMetrics()
  const part = proving({
    ...{ pods, journal, redirector, worker, metrics },
    finder: new NetnsFinder({ worker, host, proc: '/proc', netnsDir: '/run/netns', journal }),
    around: ({ uid, namespace }) => {
      onLook?.(pods, uid)
      return { namespace, namespaceLabels: {}, excludedNamespaces: [], ambient: false }
    },
    ...{
      ambientDns: false,
      outside: scene.node.handle,
      proc: '/proc',
      everyMs: 3_600_000,
      client: null,
    },
    log: createLogger({ level: 'silent' }),
  })
  const stop = new AbortController()
  const running = part.loops.map(async (loop) => await loop.run(stop.signal))
  t.after(async () => {
    stop.abort()
    await Promise.all(running)
  })
  const repairs = async (): Promise<string> =>
    [...(await metrics.text()).matchAll(/^sluice_repairs_total\{(.*)\} (\d+)$/gm)].map((m) => `${m[1]} ${m[2]}`).join()
  return { pods, proving: part, uid, scene, repairs }
}

/** The verdict on the pod as soon as `is` holds of it. */
async function until(part: Part, is: (verdict: string) => boolean): Promise<string> {
  for (let tries = 0; tries < 300; tries++) {
    const verdict = part.proving.proofs.get(part.uid)?.verdict.is
    if (verdict !== undefined && is(verdict)) return verdict
    await sleep(100)
  }
  throw new Error(`still ${JSON.stringify(part.proving.proofs.get(part.uid))}`)
}

const alarms = ({ proving: { alarms } }: Part): readonly ReasonCode[] => alarms().map(({ code }) => code)

test('a pod that raced the agent is found unredirected, its rules are made where it runs, and measured again', async (t) => {
  const part = await start(t)
  await until(part, (is) => is === 'redirected')
  assert.match(await part.repairs(), /mode="cni",cure="reprogramme",result="done" 1/)
  assert.deepEqual(alarms(part), [])
})

test('rules that somebody took away come back, and a restart of the agent that finds all right writes nothing', async (t) => {
  const part = await start(t)
  await until(part, (is) => is === 'redirected')
  const before = inNetns(part.scene.pod, 'nft', '-s', '-a', 'list', 'ruleset')
  const first = part.proving.proofs.get(part.uid)?.measuredAt ?? 0
  part.proving.redirected(part.uid)
  await until(part, () => (part.proving.proofs.get(part.uid)?.measuredAt ?? 0) > first)
  assert.equal(inNetns(part.scene.pod, 'nft', '-s', '-a', 'list', 'ruleset'), before)
  inNetns(part.scene.pod, 'nft', 'flush', 'ruleset')
  part.proving.redirected(part.uid)
  const since = part.proving.proofs.get(part.uid)?.since ?? 0
  await until(part, (is) => is === 'redirected' && (part.proving.proofs.get(part.uid)?.since ?? 0) > since)
  assert.match(await part.repairs(), /cure="reprogramme",result="done" 2/)
  // whoever reads the condition hears of it until the next measurement
  const also = (): readonly ReasonCode[] =>
    part.proving.proofs.get(part.uid)?.verdict.also.map(({ code }) => code) ?? []
  assert.deepEqual(also(), ['redirection_restored'])
  part.proving.redirected(part.uid)
  await until(part, () => also().length === 0)
})

test('where something takes the rules away again and again, an eviction is asked for instead of a fight', async (t) => {
  const part = await start(t)
  await until(part, (is) => is === 'redirected')
  // a rule before ours that lets everything past: making ours again changes nothing about it
  inNetns(
    part.scene.pod,
    'nft',
    `table inet foreign { chain output { type nat hook output priority -150;
      meta l4proto tcp dnat ip to 192.0.2.9
      meta l4proto tcp dnat ip6 to 2001:db8::9
    }; }`,
  )
  for (let round = 0; round < 4; round++) {
    const at = part.proving.proofs.get(part.uid)?.measuredAt ?? 0
    part.proving.redirected(part.uid)
    await until(part, () => (part.proving.proofs.get(part.uid)?.measuredAt ?? 0) > at)
    await sleep(700)
  }
  assert.match(await part.repairs(), /cure="evict",result="asked" 1/)
  assert.deepEqual(alarms(part), ['pod_not_redirected'])
})

test('a pod whose own init container makes the rules is measured, and not touched', async (t) => {
  const part = await start(t, { mode: 'init' })
  await until(part, (is) => is === 'bypassing')
  assert.equal(inNetns(part.scene.pod, 'nft', 'list', 'ruleset'), '')
  assert.match(await part.repairs(), /mode="init",cure="evict",result="asked" 1/)
})

test('a pod that ended for want of redirection and is never tried again is told, and not asked to be evicted', async (t) => {
  const validation = { name: 'istio-validation', state: { terminated: { exitCode: 126 } } }
  const part = await start(t, {
    spec: { restartPolicy: 'Never' },
    status: { phase: 'Failed', initContainerStatuses: [validation] },
  })
  await until(part, (is) => is === 'bypassing')
  assert.deepEqual(alarms(part), ['pod_not_redirected'])
  assert.equal(await part.repairs(), '')
})

const ENDED = { phase: 'Succeeded', podIP: ADDRESS.pod[4] }

test('of a pod that ended after its work nothing is known any more', async (t) => {
  const part = await start(t)
  await until(part, (is) => is === 'redirected')
  part.pods.show(part.uid, ENDED)
  assert.deepEqual(part.proving.proofs.all(), [])
})

test('of a pod that ends while it is measured nothing is told', async (t) => {
  const later = podUid()
  const onLook = (pods: ChangingPods, uid: string): void => {
    if (uid !== later) pods.show(uid, ENDED)
  }
  const part = await start(t, { later, onLook })
  await until({ ...part, uid: later }, (is) => is === 'unknown')
  assert.deepEqual(
    part.proving.proofs.all().map(({ uid }) => uid),
    [later],
  )
  assert.equal(await part.repairs(), '')
})

test('a pod whose namespace cannot be found is unknown, which is no pass', async (t) => {
  const part = await start(t, { status: { podIP: '10.99.99.99', podIPs: [{ ip: '10.99.99.99' }] } })
  await until(part, (is) => is === 'unknown')
  assert.equal(await part.repairs(), '')
})
