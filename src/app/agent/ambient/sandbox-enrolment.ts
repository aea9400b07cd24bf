import { type Address, isLinkLocal, isLoopback } from '../../../core/intent/address.ts'
import type { AmbientIntent } from '../../../core/intent/intent.ts'
import { ruleInWords } from '../../../core/redirection/comparison.ts'
import { ipCommand } from '../../../core/redirection/network.ts'
import type { Reason } from '../../../core/vocabulary/reasons.ts'
import type { WorkloadInfo } from '../../../core/zds/message.ts'
import type { NetnsWorker } from '../../../edge/host/netns-worker.ts'
import type { AmbientEnrolment, Sandbox } from '../cni/ambient-enrolment.ts'
import type { CniOutcome } from '../cni/answer.ts'
import type { PodQueue } from '../cni/pod-queue.ts'
import type { NodePods } from '../node-pods.ts'
import type { Redirector } from '../redirector.ts'
import type { Ambient } from './ambient.ts'
import type { Enrolment } from './enrolment.ts'
import { infoOf, parsedAddresses } from './pod-facts.ts'

export interface SandboxEnrolmentOptions {
  readonly ambient: Ambient
  readonly enrolment: Enrolment
  readonly redirector: Redirector
  readonly worker: NetnsWorker
  readonly pods: Pick<NodePods, 'waitFor'>
  /** the one of `ambient`: a pod is not touched by both at once */
  readonly queue: PodQueue
  /** why this node brings no pod in at all; null: it does */
  readonly unable: () => Reason | null
}

/** Pods that come in while the runtime makes their sandbox: all or nothing, before a container runs. */
export class SandboxEnrolment implements AmbientEnrolment {
  readonly #options: SandboxEnrolmentOptions

  constructor(options: SandboxEnrolmentOptions) {
    this.#options = options
  }

  async enrol(sandbox: Sandbox, intent: AmbientIntent, signal: AbortSignal): Promise<CniOutcome> {
    const { unable, queue } = this.#options
    const inability = unable()
    if (inability?.code === 'ztunnel_socket_owned') return await this.#leaveToOther(sandbox, intent, inability)
    if (inability !== null) return { is: 'refused', reason: inability }
    const queued = await queue.run(sandbox.uid, async () => await this.#enrol(sandbox, intent, signal))
    if (queued.is !== 'done')
      return { is: 'refused', reason: { code: 'agent_busy', args: { waiting: queued.waiting } } }
    const problem = queued.value
    return problem === null
      ? { is: 'redirected', reason: { code: 'node_enrols', args: {} } }
      : { is: 'refused', reason: problem }
  }

  /** Another agent speaks to ztunnel, and was asked before: what it made is right, or the pod does not start. */
  async #leaveToOther({ netns }: Sandbox, intent: AmbientIntent, owned: Reason): Promise<CniOutcome> {
    const compared = await this.#options.redirector.compare(netns, intent)
    if (compared.is === 'refused') return compared
    const { missing, surplus } = compared.difference
    if (missing.length + surplus.length + compared.lacking.length > 0) return { is: 'refused', reason: owned }
    return { is: 'redirected', reason: { code: 'node_found_right', args: {} } }
  }

  async leave(uid: string, containerId: string): Promise<void> {
    const { ambient, enrolment, queue } = this.#options
    // a sandbox that is taken down late is not the one that the pod has now
    if (ambient.held(uid)?.containerId !== containerId) return
    await queue.run(uid, async () => {
      if (ambient.held(uid)?.containerId !== containerId) return
      ambient.release(uid)
      // what ztunnel or the kernel refuses here is found by the next turn: nothing that is not held stays in the sets
      await enrolment.forget(uid).catch(() => null)
    })
  }

  async check({ netns }: Sandbox, intent: AmbientIntent): Promise<Reason | null> {
    const compared = await this.#options.redirector.compare(netns, intent)
    if (compared.is === 'refused') return compared.reason
    const rules = [...compared.difference.missing.map(ruleInWords), ...compared.lacking.map(ipCommand)]
    return rules.length === 0 ? null : { code: 'rules_missing', args: { rules: rules.join(', ') } }
  }

  async #enrol(sandbox: Sandbox, intent: AmbientIntent, signal: AbortSignal): Promise<Reason | null> {
    const { ambient, enrolment } = this.#options
    const { uid, containerId, netns, netnsPath } = sandbox
    const info = await this.#infoOf(sandbox, signal)
    if (info === null) return { code: 'ambient_too_late', args: {} }
    const addresses = await this.#addressesOf(sandbox)
    if (addresses.length === 0) return { code: 'address_absent', args: {} }
    const problem = await enrolment.join({ uid, info, addresses, intent, netns }, signal)
    if (problem !== null) {
      // what an earlier request of the same sandbox brought in is in
      const held = ambient.held(uid)
      if (held?.containerId !== containerId || held.netnsId !== netns.id) await enrolment.withdraw(uid, netns)
      return problem
    }
    const since = performance.now()
    const place = { containerId, netnsPath, netnsId: netns.id }
    ambient.take(uid, { ...place, intent, addresses, proof: null, wasProven: false, since })
    return null
  }

  /** The account is ztunnel's identity for the pod: it is waited for rather than guessed. */
  async #infoOf({ uid, name, namespace, serviceAccount }: Sandbox, signal: AbortSignal): Promise<WorkloadInfo | null> {
    if (serviceAccount !== null) return { name, namespace, serviceAccount }
    const pod = await this.#options.pods.waitFor(uid, signal)
    return pod === undefined ? null : infoOf(pod)
  }

  /** Where the plugin before does not say what it gave, the namespace of the sandbox itself does. */
  async #addressesOf({ addresses, netns }: Sandbox): Promise<readonly Address[]> {
    const said = parsedAddresses(addresses)
    if (said.length > 0) return said
    const inside = await this.#options.worker.run('addresses', netns, {})
    const all = parsedAddresses(inside.map(({ address }) => address))
    return all.filter((address) => !isLoopback(address) && !isLinkLocal(address))
  }
}
