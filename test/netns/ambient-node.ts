import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Ambient, type AmbientNews } from '../../src/app/agent/ambient/ambient.ts'
import { Enrolment } from '../../src/app/agent/ambient/enrolment.ts'
import { LateZtunnels } from '../../src/app/agent/ambient/late-ztunnels.ts'
import type { Mark } from '../../src/app/agent/ambient/marks.ts'
import { ProbePath } from '../../src/app/agent/ambient/probe-path.ts'
import { SandboxEnrolment } from '../../src/app/agent/ambient/sandbox-enrolment.ts'
import type { ZtunnelEvent } from '../../src/app/agent/ambient/ztunnels.ts'
import { PodQueue } from '../../src/app/agent/cni/pod-queue.ts'
import { Journal } from '../../src/app/agent/journal.ts'
import { NetnsFinder } from '../../src/app/agent/netns-finder.ts'
import type { NodePod } from '../../src/app/agent/node-pods.ts'
import { Redirector } from '../../src/app/agent/redirector.ts'
import { ISTIO_AMBIENT_RULES } from '../../src/core/intent/ambient-standing.ts'
import { address } from '../../src/core/intent/grammar.ts'
import { PLAIN_AMBIENT } from '../../src/core/intent/intent.ts'
import type { Reason } from '../../src/core/vocabulary/reasons.ts'
import { PROBE_SOURCE } from '../../src/core/vocabulary/ports.ts'
import { procWithKubelet } from './kubelet.ts'
import { podUid, startPodProcess } from './pod-process.ts'
import { ip, makeNetns, startWorker, type TestNetns, untilEnd } from './world.ts'
import { Ztunnel } from './ztunnel.ts'

/** The kubelet's user in these tests, not root's: who else is on the node stays apart from it. */
export const KUBELET = { uid: 4242, gid: 0 }
export const MODE = 'istio.io/dataplane-mode'
const PROBE_ADDRESSES = { 4: address.parse(PROBE_SOURCE.v4), 6: address.parse(PROBE_SOURCE.v6) }
const PATIENCE_MS = 20_000
const TRIES = 20

/** A pod on the node, with a process inside, as the API server shows it. */
export interface TestPod {
  readonly uid: string
  readonly netns: TestNetns
  readonly address: Readonly<Record<4 | 6, string>>
}

/** The API's side: pods and namespaces as the agent's watch would have them. */
export class ApiObjects {
  readonly synced = true
  readonly pods = new Map<string, NodePod>()
  readonly namespaces = new Map<string, Readonly<Record<string, string>>>([['shop', {}]])

  all(): readonly NodePod[] {
    return [...this.pods.values()]
  }

  get(uid: string): NodePod | undefined {
    return this.pods.get(uid)
  }

  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined {
    return this.namespaces.get(name)
  }

  waitFor(uid: string): Promise<NodePod | undefined> {
    return Promise.resolve(this.get(uid))
  }

  /** Puts a pod there, or changes it. */
  show(
    { uid, address: { 4: four, 6: six } }: TestPod,
    given: {
      readonly labels?: Readonly<Record<string, string>>
      readonly annotations?: Readonly<Record<string, string>>
      readonly phase?: string
    } = {},
  ): void {
    const { labels = {}, annotations = {}, phase = 'Running' } = given
    const name = `pod-${uid.slice(0, 8)}`
    const object = {
      metadata: { uid, name, namespace: 'shop', labels, annotations },
      spec: { serviceAccountName: 'web' },
      status: { phase, podIP: four, podIPs: [{ ip: four }, { ip: six }] },
    }
    this.pods.set(uid, { uid, name, namespace: 'shop', object })
  }
}

const worker = await startWorker()
const kubeletProc = await procWithKubelet(KUBELET.uid)

/** One node with an agent's ambient part, everything real but the API server. */
export async function makeNode(): Promise<AmbientTestNode> {
  const host = makeNetns('node')
  sysctl(host, 'net.ipv6.conf.default.accept_dad=0', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1')
  const probePath = new ProbePath({
    ...{ worker, host: host.handle, backend: 'libnftables', branchEni: true, proc: kubeletProc },
    node: { families: [4, 6], dnsCapture: true, probeSource: PROBE_ADDRESSES },
  })
  const problem = await probePath.ensure()
  if (problem !== null) throw new Error(JSON.stringify(problem))
  return new AmbientTestNode(host, probePath)
}

export class AmbientTestNode {
  readonly api = new ApiObjects()
  readonly host: TestNetns
  readonly probePath: ProbePath
  readonly folder = mkdtempSync(join(tmpdir(), 'sluice-ambient-'))
  readonly socket = join(this.folder, 'ztunnel.sock')
  #pods = 0

  constructor(host: TestNetns, probePath: ProbePath) {
    this.host = host
    this.probePath = probePath
    untilEnd({ [Symbol.dispose]: () => rmSync(this.folder, { recursive: true }) })
  }

  /** A pod with a network of its own on this node; `asProcess`: something of it runs, so that it can be found. */
  async addPod({ asProcess = true } = {}): Promise<TestPod> {
    const number = this.#pods++
    const netns = makeNetns(`pod${number}`)
    const [uid, subnet] = [podUid(), `${number >> 8}.${number & 255}`]
    const four = {
      pod: `10.${90 + (number >> 8)}.${number & 255}.2`,
      node: `10.${90 + (number >> 8)}.${number & 255}.1`,
    }
    const six = { pod: `fd90:${subnet.replace('.', ':')}::2`, node: `fd90:${subnet.replace('.', ':')}::1` }
    sysctl(netns, 'net.ipv6.conf.default.accept_dad=0')
    ip('link', 'add', `pod${number}`, 'netns', this.host.name, 'type', 'veth', 'peer', 'eth0', 'netns', netns.name)
    for (const [name, device, own] of [
      [this.host.name, `pod${number}`, 'node'],
      [netns.name, 'eth0', 'pod'],
    ] as const) {
      ip('-n', name, 'address', 'add', `${four[own]}/24`, 'dev', device)
      ip('-n', name, 'address', 'add', `${six[own]}/64`, 'dev', device, 'nodad')
      ip('-n', name, 'link', 'set', device, 'up')
    }
    ip('-n', netns.name, 'route', 'add', 'default', 'via', four.node)
    ip('-n', netns.name, '-6', 'route', 'add', 'default', 'via', six.node)
    if (asProcess) await startPodProcess(uid, netns)
    return { uid, netns, address: { 4: four.pod, 6: six.pod } }
  }

  async startProcess({ uid, netns }: TestPod): Promise<void> {
    await startPodProcess(uid, netns)
  }

  /** The node's end of the pod's network. */
  gateway({ address }: TestPod, family: 4 | 6): string {
    return address[family].replace(/2$/, '1')
  }

  /** An agent that starts now: what the one before knew is what stands in the journal and on the node. */
  async startAgent(given: AgentReasons = {}): Promise<TestAgent> {
    const redirector = new Redirector({
      worker,
      backend: 'libnftables',
      ambient: { dnsCapture: true, probeSource: PROBE_ADDRESSES },
    })
    // on a busy machine a try can find no answer: as the agent does, it is tried again
    for (let tries = 0; redirector.picked.is === 'none' && tries < TRIES; tries++) await redirector.tryNode()
    if (redirector.picked.is === 'none') throw new Error(JSON.stringify(redirector.picked.reason))
    return new TestAgent(this, redirector, given)
  }
}

/** Why a node brings nobody in, or lets everybody go. */
export interface AgentReasons {
  readonly unable?: () => Reason | null
  readonly retired?: () => Reason | null
}

const never = (): null => null

export class TestAgent implements AsyncDisposable {
  readonly news: AmbientNews[] = []
  readonly events: ZtunnelEvent[] = []
  readonly marks = new Map<string, Mark>()
  readonly ambient: Ambient
  readonly enrolment: Enrolment
  readonly sandboxes: SandboxEnrolment
  readonly journal: Journal
  readonly #node: AmbientTestNode
  readonly #ztunnels = new LateZtunnels()
  readonly #stop = new AbortController()

  constructor(node: AmbientTestNode, redirector: Redirector, { unable = never, retired = never }: AgentReasons) {
    this.#node = node
    const { api, host, probePath } = node
    this.journal = new Journal(join(node.folder, 'journal.json'), 'boot')
    const queue = new PodQueue({ running: 16, waiting: 512 })
    const finder = new NetnsFinder({
      ...{ worker, host: host.handle, proc: '/proc', netnsDir: '/run/netns', journal: this.journal },
    })
    this.enrolment = new Enrolment({
      ...{
        redirector,
        ztunnels: this.#ztunnels,
        probePath,
        worker,
        host: host.handle,
        proc: '/proc',
        dnsCapture: true,
      },
    })
    this.ambient = new Ambient({
      ...{ pods: api, enrolment: this.enrolment, finder, journal: this.journal, queue, unable, retired },
      rules: ISTIO_AMBIENT_RULES,
      mark: (pod, mark) => void this.marks.set(pod.uid, mark),
      onNews: (news) => void this.news.push(news),
      onVerdict: () => undefined,
    })
    this.sandboxes = new SandboxEnrolment({
      ...{ ambient: this.ambient, enrolment: this.enrolment, redirector, worker, pods: api, queue, unable },
    })
    this.#ztunnels.open({ socket: node.socket, onEvent: (event) => void this.events.push(event) }, this.ambient.known())
    untilEnd(this)
  }

  /** Turns until `isSo`; throws with what was told when that takes longer than anything should. */
  async until(isSo: () => boolean): Promise<void> {
    for (let waited = 0; !isSo(); waited += 50) {
      if (waited > PATIENCE_MS)
        throw new Error(
          JSON.stringify({
            news: this.news.slice(-5).map(({ work, problem }) => [work, problem]),
            events: this.events,
          }),
        )
      this.ambient.turn(this.#stop.signal)
      await sleep(50)
    }
  }

  async untilProven(...pods: readonly TestPod[]): Promise<void> {
    await this.until(() => pods.every(({ uid }) => this.ambient.held(uid)?.proof === 'redirected'))
  }

  async untilOut(...pods: readonly TestPod[]): Promise<void> {
    await this.until(() => pods.every(({ uid }) => this.ambient.held(uid) === undefined))
  }

  /** A ztunnel that serves, or only looks, and has been told all there is. */
  async ztunnel(work: 'look' | 'serve' = 'serve'): Promise<Ztunnel> {
    const ztunnel = new Ztunnel(this.#node.socket, 0, work)
    ztunnel.tell({ do: 'hello' })
    const before = this.events.filter(({ is }) => is === 'synced').length
    await this.until(() => this.events.filter(({ is }) => is === 'synced').length > before)
    return ztunnel
  }

  /** As the agent brings a pod in while its sandbox is made. */
  async add(
    { uid, netns, address: { 4: four, 6: six } }: TestPod,
    signal = new AbortController().signal,
  ): Promise<Reason | null> {
    const sandbox = {
      ...{ uid, namespace: 'shop', name: `pod-${uid.slice(0, 8)}`, serviceAccount: 'web', containerId: `box-${uid}` },
      ...{ netnsPath: netns.path, netns: netns.handle, addresses: [four, six] },
    }
    const outcome = await this.sandboxes.enrol(sandbox, PLAIN_AMBIENT, signal)
    return outcome.is === 'refused' ? outcome.reason : null
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#ztunnels[Symbol.asyncDispose]()
  }
}

function sysctl({ name }: TestNetns, ...settings: readonly string[]): void {
  ip('netns', 'exec', name, 'sysctl', '-qw', ...settings)
}
