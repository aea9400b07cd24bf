import { podOfCgroup } from '../../../core/cgroup/pod-of-cgroup.ts'
import type { Address } from '../../../core/intent/address.ts'
import { ambientHostRules, type AmbientNode } from '../../../core/redirection/ambient.ts'
import { branchChanges } from '../../../core/redirection/branch-eni.ts'
import { compareRules } from '../../../core/redirection/comparison.ts'
import { NFTABLES } from '../../../core/redirection/nftables.ts'
import {
  probeChanges,
  type ProbeMembers,
  probeMembers,
  probePathRemoval,
  probePutText,
  probeSetText,
} from '../../../core/redirection/probe-set.ts'
import { id } from '../../../core/intent/grammar.ts'
import type { Reason } from '../../../core/vocabulary/reasons.ts'
import type { NftBackend, Ran } from '../../../edge/host/apply.ts'
import type { Place } from '../../../edge/host/netns-jobs.ts'
import type { NetnsWorker } from '../../../edge/host/netns-worker.ts'
import { type NamedProcess, userOfProcess } from '../../../edge/host/processes.ts'
import { messageOf } from '../../../edge/message-of.ts'

export interface ProbePathOptions {
  readonly worker: NetnsWorker
  /** the network namespace that the kubelet is in */
  readonly host: Place
  readonly backend: NftBackend
  readonly node: AmbientNode
  /** are there to be ip rules for pods with a branch interface, where the host needs them? */
  readonly branchEni: boolean
  /** where the kubelet is looked for */
  readonly proc: string
}

/** Nothing to say, or why it could not be done. */
type Problem = Reason | null

/**
 * The way of the kubelet's probes (cni.md §5.9): rules in the host's namespace that give them a source of their own, for the
 * pods that are in the sets, and ip rules for those of them that have a branch interface in AWS. Changes are made one after the
 * other; nothing is ever flushed, so that no probe of a pod that stays fails. Only what takes away looks at what is there first:
 * a node has many pods, and each that starts is put in.
 */
export class ProbePath {
  readonly #options: ProbePathOptions
  #last: Promise<unknown> = Promise.resolve()
  /** may pods need ip rules, by the last look? With early demux of TCP they need none, as Istio has it. */
  #routes = true

  constructor(options: ProbePathOptions) {
    this.#options = options
  }

  /**
   * The user of the kubelet; undefined where nobody is one. Anybody may call a process of a pod so, and a kubelet that was started
   * anew comes behind it: one in a pod counts only where there is no other, as on a node that is a pod itself.
   */
  kubelet(): number | undefined {
    const { proc } = this.#options
    return userOfProcess(proc, (one) => isKubelet(one) && !isOfPod(one)) ?? userOfProcess(proc, isKubelet)
  }

  /** Makes the rules as they should be; the members of the sets stay. */
  async ensure(): Promise<Problem> {
    return await this.#alone(async (listing) => {
      const { node, proc } = this.#options
      const kubelet = this.kubelet()
      if (kubelet === undefined) return { code: 'kubelet_not_found', args: { proc } }
      const want = ambientHostRules(node, { is: 'user', uid: id.parse(String(kubelet)) })
      const dump = { of: 'nftables', text: listing } as const
      const { missing, surplus } = compareRules(want, NFTABLES.observe(dump, 'ambient'))
      const isRight = missing.length === 0 && surplus.length === 0
      return isRight ? null : await this.#run(NFTABLES.replace(want, dump).text)
    })
  }

  /** Puts the addresses of a pod in; those that were another pod's are this one's from now on. */
  async put(uid: string, addresses: readonly Address[]): Promise<Problem> {
    const members = new Map(addresses.map((address) => [address, uid]))
    return await this.#inTurn(async () => {
      const put = await this.#run(probePutText(members))
      return put === null && this.#routes ? await this.#route(members, false) : put
    })
  }

  /** Takes the addresses of a pod out, but for those that are another pod's by now. */
  async drop(uid: string): Promise<Problem> {
    return await this.#change((there) => new Map([...there].filter(([, owner]) => owner !== uid)), true)
  }

  /** Makes the sets hold `want`; what is not in it goes only where it is `complete`. */
  async reconcile(want: ProbeMembers, complete: boolean): Promise<Problem> {
    return await this.#change(() => want, complete)
  }

  /** Who is in the sets now; rejects where they cannot be read. */
  async members(): Promise<ProbeMembers> {
    const listed = await this.#list()
    if (!listed.ok) throw new Error(listed.error)
    return probeMembers(listed.output)
  }

  /** Takes rules and sets away. */
  async remove(): Promise<Problem> {
    return await this.#alone(async (listing) => {
      const removed = await this.#run(probePathRemoval(listing))
      return (await this.#route(new Map(), true)) ?? removed
    })
  }

  async #change(wanted: (there: ProbeMembers) => ProbeMembers, complete: boolean): Promise<Problem> {
    return await this.#alone(async (listing) => {
      const there = probeMembers(listing)
      const want = wanted(there)
      const changed = await this.#run(probeSetText(there, probeChanges(there, want, complete)))
      return changed ?? (await this.#route(new Map([...(complete ? [] : there), ...want]), true))
    })
  }

  /** Makes the ip rules of `members`; where they are `all` that the sets hold, those of others go. */
  async #route(members: ProbeMembers, all: boolean): Promise<Problem> {
    const { worker, host, branchEni } = this.#options
    const there = await worker.run('routing', host, {})
    this.#routes = branchEni && !there.earlyDemux
    const { put, drop } = branchChanges(there, this.#routes ? members : new Map())
    const changes = { put, drop: all ? drop : [] }
    if (put.length + changes.drop.length > 0) await worker.run('changeRules', host, changes)
    return null
  }

  /** What is done by difference: it starts from what the one before left. */
  async #alone(work: (listing: string) => Promise<Problem>): Promise<Problem> {
    return await this.#inTurn(async () => {
      const listed = await this.#list()
      return listed.ok ? await work(listed.output) : problem(listed.error)
    })
  }

  /** One change at a time. */
  async #inTurn(work: () => Promise<Problem>): Promise<Problem> {
    const before = this.#last
    const turn = (async () => {
      await before
      try {
        return await work()
      } catch (error) {
        return problem(messageOf(error))
      }
    })()
    this.#last = turn
    return await turn
  }

  async #list(): Promise<Ran> {
    // the tables of this family alone: those of kube-proxy can be long
    return await this.#nft('list ruleset inet\n')
  }

  async #run(text: string): Promise<Problem> {
    if (text === '') return null
    const ran = await this.#nft(text)
    return ran.ok ? null : problem(ran.error)
  }

  async #nft(text: string): Promise<Ran> {
    const { worker, host, backend } = this.#options
    return await worker.run('nft', host, { backend, text })
  }
}

function problem(error: string): Reason {
  return { code: 'probe_path_not_made', args: { error } }
}

/** As Istio finds it; k3s and its kin run the kubelet in a process of their own name. */
function isKubelet({ name, commandLine }: NamedProcess): boolean {
  return name === 'kubelet' || name.startsWith('k3s') || (name === 'kubelite' && commandLine.some(isKubeletWord))
}

function isOfPod({ cgroup }: NamedProcess): boolean {
  const owner = podOfCgroup(cgroup())
  return owner.is === 'container' && owner.podUid !== undefined
}

function isKubeletWord(word: string): boolean {
  return word.includes('kubelet')
}
