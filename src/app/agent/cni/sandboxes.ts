import { decodeIntent, encodeIntent } from '../../../core/intent/codec.ts'
import type { AmbientIntent, SidecarIntent } from '../../../core/intent/intent.ts'
import { type NodeAnswer, nodeAnswer } from '../../../core/intent/node-answer.ts'
import { specOf } from '../../../core/json/pod.ts'
import { stringOr } from '../../../core/json/value.ts'
import { ipCommand } from '../../../core/redirection/network.ts'
import type { EnablementSelector } from '../../../core/settings/ambient-enablement.ts'
import type { Reason } from '../../../core/vocabulary/reasons.ts'
import { addressBytes, addressText } from '../../../edge/host/addresses.ts'
import type { NetnsWorker } from '../../../edge/host/netns-worker.ts'
import type { Journal, JournalEntry } from '../journal.ts'
import type { NodePods } from '../node-pods.ts'
import type { Redirector } from '../redirector.ts'
import type { AmbientEnrolment, Sandbox } from './ambient-enrolment.ts'
import type { CniOutcome } from './answer.ts'
import type { CniRequest } from './request.ts'
import type { SandboxNamespaces } from './sandbox-netns.ts'

export interface SandboxesOptions {
  readonly pods: NodePods
  readonly journal: Journal
  readonly redirector: Redirector
  readonly worker: NetnsWorker
  readonly namespaces: SandboxNamespaces
  /** null: this agent does no ambient */
  readonly ambient: AmbientEnrolment | null
  /** who is for ambient, where that is not as in Istio's chart */
  readonly enablement?: readonly EnablementSelector[]
  readonly excludedNamespaces: readonly string[]
  /** told of each pod that was redirected, so that it is measured soon */
  readonly onRedirected: (uid: string) => void
  /** tells how long each phase of a request took */
  readonly measure: (phase: Phase, seconds: number) => void
}

export type Phase = 'known' | 'entered' | 'applied'

/** How long a pod that only the watch can tell about is waited for; the kubelet tries again after that. */
const KNOWN_MS = 5_000
/** Knowledge that was proved since then is fresh: bookmarks come once a minute. */
const CURRENT_MS = 120_000

/** What each command does for one sandbox. The calls for one pod come one after the other. */
export class Sandboxes {
  readonly #options: SandboxesOptions

  constructor(options: SandboxesOptions) {
    this.#options = options
  }

  /** Redirects the pod before it starts, lets it pass, or refuses it. Where `signal` aborts, nothing is left of it. */
  async add(request: CniRequest, signal: AbortSignal): Promise<CniOutcome> {
    const answer = await this.#timed('known', async () => await this.#answer(request, signal))
    if (answer.is === 'pass') return { is: 'passed', reason: answer.reason }
    if (answer.is === 'refuse') return refused(answer.reason)
    if (answer.is === 'wait') return refused(notYet(signal))
    return await this.#inSandbox(request, async (sandbox) => await this.#redirect(sandbox, answer.intent, signal))
  }

  /** Is what was made for the pod still there? */
  async check(request: CniRequest, signal: AbortSignal): Promise<CniOutcome> {
    const entry = this.#options.journal.get(request.pod.uid)
    const decoded = entry?.containerId === request.containerId ? decodeIntent(entry.intent) : null
    const answer: NodeAnswer =
      decoded?.is === 'redirect' && decoded.intent.kind !== 'none'
        ? { is: 'redirect', intent: decoded.intent }
        : await this.#answer(request, signal)
    if (answer.is === 'pass') return { is: 'passed', reason: answer.reason }
    if (answer.is === 'refuse') return refused(answer.reason)
    if (answer.is === 'wait') return refused(notYet(signal))
    const { intent } = answer
    return await this.#inSandbox(request, async (sandbox) => {
      const problem = await this.#compare(sandbox, intent)
      return problem === null ? { is: 'redirected', reason: doneFor(intent) } : refused(problem)
    })
  }

  /** Undoes what an ADD did that ended as `outcome`, which nobody took. */
  async abandon(request: CniRequest, outcome: CniOutcome): Promise<CniOutcome> {
    const { journal } = this.#options
    const gaveUp = refused({ code: 'caller_gave_up', args: {} })
    if (outcome.isRepeat === true) return gaveUp
    const entry = journal.get(request.pod.uid)
    const read = entry?.containerId === request.containerId ? decodeIntent(entry.intent) : null
    if (entry?.rules === 'made' && read?.is === 'redirect' && read.intent.kind !== 'none') {
      const { intent } = read
      await this.#inSandbox(request, async (sandbox) => {
        await this.#undo(sandbox, intent)
        return gaveUp
      })
    }
    journal.remove(request.pod.uid, request.containerId)
    return gaveUp
  }

  /** Forgets the sandbox; its namespace and what is in it go with it. Never fails. */
  async del({ pod, containerId }: CniRequest): Promise<CniOutcome> {
    const { journal, ambient } = this.#options
    const uid = pod.uid === '' ? journal.all().find((entry) => entry.containerId === containerId)?.uid : pod.uid
    if (uid !== undefined) await this.#leave(uid, containerId, ambient)
    return { is: 'passed', reason: { code: 'sandbox_gone', args: {} } }
  }

  /** Forgets every sandbox that the runtime does not name. */
  async gc({ validContainers }: CniRequest): Promise<CniOutcome> {
    const { journal, ambient } = this.#options
    if (validContainers !== null)
      for (const { uid, containerId } of journal.all())
        if (!validContainers.includes(containerId)) await this.#leave(uid, containerId, ambient)
    return { is: 'passed', reason: { code: 'sandbox_gone', args: {} } }
  }

  async #leave(uid: string, containerId: string, ambient: AmbientEnrolment | null): Promise<void> {
    await ambient?.leave(uid, containerId)
    this.#options.journal.remove(uid, containerId)
  }

  /** What is to be done; waits for the watch where only that can tell. */
  async #answer(request: CniRequest, signal: AbortSignal): Promise<NodeAnswer> {
    const { pods } = this.#options
    const first = this.#known(request)
    if (first.is !== 'wait') return first
    const patience = AbortSignal.any([signal, AbortSignal.timeout(Math.min(KNOWN_MS, request.deadlineMs / 2))])
    await pods.waitFor(request.pod.uid, patience)
    return this.#known(request)
  }

  #known({ pod, annotations }: CniRequest): NodeAnswer {
    const { pods, ambient, enablement, excludedNamespaces } = this.#options
    return nodeAnswer(
      { namespace: pod.namespace, annotations },
      {
        pod: pods.get(pod.uid)?.object ?? null,
        namespaceLabels: pods.namespaceLabels(pod.namespace) ?? null,
        isCurrent: pods.synced && pods.ageMs < CURRENT_MS,
        excludedNamespaces,
        ambient: ambient !== null,
        ...(enablement !== undefined && { enablement }),
      },
    )
  }

  /** Opens the namespace, and goes on only where it is the pod's: it holds one of the addresses that the plugin before gave. */
  async #inSandbox(request: CniRequest, work: (sandbox: Sandbox) => Promise<CniOutcome>): Promise<CniOutcome> {
    const { pods, namespaces, worker } = this.#options
    const opened = namespaces.open(request.netns)
    if (opened.is === 'refused') return refused(opened.reason)
    using netns = opened.netns
    const foreign = await this.#timed('entered', async () => {
      const addresses = await worker.run('addresses', netns, {})
      return strangersTo(
        request.addresses,
        addresses.map(({ address }) => address),
      )
    })
    if (foreign !== null) return refused({ code: 'netns_refused', args: { path: request.netns, problem: foreign } })
    const pod = pods.get(request.pod.uid)?.object
    return await work({
      ...request.pod,
      serviceAccount: pod === undefined ? null : (stringOr(specOf(pod)['serviceAccountName']) ?? null),
      containerId: request.containerId,
      netnsPath: opened.path,
      netns,
      addresses: request.addresses,
    })
  }

  async #redirect(sandbox: Sandbox, intent: SidecarIntent | AmbientIntent, signal: AbortSignal): Promise<CniOutcome> {
    const { journal } = this.#options
    const { uid, namespace, name, containerId, netnsPath, netns, addresses } = sandbox
    const early = lateness(signal)
    if (early !== null) return refused(early)
    const known = journal.get(uid)
    const earlier = known?.containerId === containerId && known.netnsId === netns.id ? known : null
    // before the rules: should the process end in between, the next one knows where to look
    const mode = intent.kind === 'ambient' ? 'ambient' : 'cni'
    const appliedAt = new Date().toISOString()
    const place = {
      uid,
      namespace,
      name,
      containerId,
      netnsPath,
      netnsId: netns.id,
      addresses,
      mode,
      appliedAt,
    } as const
    const entry: JournalEntry = { ...place, intent: encodeIntent(intent), rules: 'made' }
    journal.put(entry)
    const applied = await this.#timed('applied', async () => await this.#apply(sandbox, intent, signal))
    const failure = applied.is === 'refused' ? applied.reason : lateness(signal)
    const isFound = applied.reason.code === 'node_found_right'
    if (failure === null) {
      if (isFound) journal.put({ ...entry, rules: earlier?.rules ?? 'found' })
      this.#options.onRedirected(uid)
      return { ...applied, isRepeat: earlier !== null }
    }
    // what was there before this ADD came is another's, or was promised by an earlier one
    if (earlier === null) {
      if (!isFound) await this.#undo(sandbox, intent)
      journal.remove(uid, containerId)
    } else journal.put(earlier)
    return refused(failure)
  }

  async #apply(sandbox: Sandbox, intent: SidecarIntent | AmbientIntent, signal: AbortSignal): Promise<CniOutcome> {
    const { redirector, ambient } = this.#options
    if (intent.kind === 'ambient')
      return ambient === null
        ? refused({ code: 'ambient_absent', args: {} })
        : await ambient.enrol(sandbox, intent, signal)
    const done = await redirector.redirect(sandbox.netns, intent)
    if (done.is === 'refused') return refused(done.reason)
    return { is: 'redirected', reason: done.changed ? doneFor(intent) : { code: 'node_found_right', args: {} } }
  }

  async #undo(sandbox: Sandbox, intent: SidecarIntent | AmbientIntent): Promise<void> {
    if (intent.kind === 'ambient') await this.#options.ambient?.leave(sandbox.uid, sandbox.containerId)
    else await this.#options.redirector.undo(sandbox.netns, intent)
  }

  async #compare(sandbox: Sandbox, intent: SidecarIntent | AmbientIntent): Promise<Reason | null> {
    const { redirector, ambient } = this.#options
    if (intent.kind === 'ambient')
      return ambient === null ? { code: 'ambient_absent', args: {} } : await ambient.check(sandbox, intent)
    const compared = await redirector.compare(sandbox.netns, intent)
    if (compared.is === 'refused') return compared.reason
    const { missing, surplus } = compared.difference
    const chains = [...missing, ...surplus].map(({ family, table, chain }) => `IPv${family} ${table} ${chain}`)
    const where = new Set([...chains, ...compared.lacking.map(ipCommand)])
    return where.size === 0 ? null : { code: 'rules_missing', args: { rules: [...where].join(', ') } }
  }

  async #timed<T>(phase: Phase, work: () => Promise<T>): Promise<T> {
    const start = performance.now()
    try {
      return await work()
    } finally {
      this.#options.measure(phase, (performance.now() - start) / 1000)
    }
  }
}

function refused(reason: Reason): CniOutcome {
  return { is: 'refused', reason }
}

function doneFor(intent: SidecarIntent | AmbientIntent): Reason {
  return { code: intent.kind === 'ambient' ? 'node_enrols' : 'node_redirects', args: {} }
}

/** Why the answer comes too late; null where it does not. */
function lateness(signal: AbortSignal): Reason | null {
  if (!signal.aborted) return null
  return signal.reason === AGENT_STOPS ? { code: 'agent_stopping', args: {} } : { code: 'caller_gave_up', args: {} }
}

function notYet(signal: AbortSignal): Reason {
  return lateness(signal) ?? { code: 'pod_not_known_yet', args: {} }
}

/** With this a request is aborted because the agent ends, not because nobody waits for its answer. */
export const AGENT_STOPS = new Error('the agent stops')

/** Why a namespace with the addresses `there` is not that of a pod that was given `wanted`; null where it may be. */
function strangersTo(wanted: readonly string[], there: readonly string[]): string | null {
  if (wanted.length === 0) return null
  const canonical = (address: string): string => {
    try {
      return addressText(addressBytes(address))
    } catch {
      return address
    }
  }
  const found = new Set(there.map(canonical))
  return wanted.some((address) => found.has(canonical(address))) ? null : `it holds none of ${wanted.join(', ')}`
}
