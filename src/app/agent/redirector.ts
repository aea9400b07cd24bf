import type { Intent } from '../../core/intent/intent.ts'
import type { Script } from '../../core/redirection/backend.ts'
import { compareRules, type RuleDifference } from '../../core/redirection/comparison.ts'
import { IPTABLES } from '../../core/redirection/iptables.ts'
import type { RuleModel } from '../../core/redirection/model.ts'
import { type NetworkItem, networkOf } from '../../core/redirection/network.ts'
import { NFTABLES } from '../../core/redirection/nftables.ts'
import { familiesOf } from '../../core/redirection/pod-network.ts'
import type { NodeFacts } from '../../core/redirection/rules-of.ts'
import type { Reason } from '../../core/vocabulary/reasons.ts'
import type { NodeAbilities } from '../../edge/host/abilities.ts'
import type { Applied, Backend, Dump, RuleTexts } from '../../edge/host/apply.ts'
import { FEATURES } from '../../edge/host/features.ts'
import type { Place } from '../../edge/host/netns-jobs.ts'
import type { NetnsWorker } from '../../edge/host/netns-worker.ts'
import { causeOfDenial, ownStanding } from './denial.ts'
import { pickBackend, type Picked } from './backend-choice.ts'
import { type Prepared, PreparedRules } from './prepared-rules.ts'
import { tryTraffic } from './self-test.ts'

/** What became of a namespace. `changed`: false where everything was there already. */
export type Redirected =
  | { readonly is: 'redirected'; readonly model: RuleModel; readonly changed: boolean }
  | { readonly is: 'refused'; readonly reason: Reason }

/** What is in a namespace, against what its intent wants. */
export type Compared =
  | {
      readonly is: 'compared'
      readonly difference: RuleDifference
      /** what the rules need beside them and is not there */
      readonly lacking: readonly NetworkItem[]
    }
  | { readonly is: 'refused'; readonly reason: Reason }

export interface RedirectorOptions {
  readonly worker: Pick<NetnsWorker, 'run'>
  /** null: the first backend that can do everything */
  readonly backend: Backend | null
  readonly ambient: NodeFacts['ambient']
}

/** Any namespace that is open: what is tried is tried in others, made for it. */
const OWN_PLACE: Place = { fd: -1, foreignUsers: false }

/** A node without it refuses pods that ask for it; every other pod does without it. */
const OPTIONAL_FEATURE = 'TPROXY'

/** Brings what an intent says into a namespace, takes it out, and tells what is there. Every outcome is a value. */
export class Redirector {
  readonly #options: RedirectorOptions
  #picked: Picked = { is: 'none', reason: { code: 'backend_absent', args: { why: 'nothing was tried yet' } } }
  #usable: readonly Backend[] = []
  readonly #prepared: PreparedRules

  constructor(options: RedirectorOptions) {
    this.#options = options
    this.#prepared = new PreparedRules(options.ambient)
  }

  get picked(): Picked {
    return this.#picked
  }

  /** Tries with real rules and real traffic what this node can do, and picks a backend by it. */
  async tryNode(): Promise<NodeAbilities> {
    const { worker, backend: forced } = this.#options
    const abilities = await worker.run('abilities', OWN_PLACE, { features: FEATURES })
    this.#usable = abilities.backends.flatMap((one) => (one.is === 'usable' ? [one.backend] : []))
    this.#picked = await pickBackend(abilities, {
      forced,
      needed: ({ feature }) => feature !== OPTIONAL_FEATURE,
      cause: (why) => causeOfDenial(why, ownStanding),
      trial: async (backend) =>
        await tryTraffic({
          worker,
          redirect: async (place, intent) => {
            const redirected = await this.#redirectBy(backend, place, intent)
            return redirected.is === 'refused' ? redirected.reason : null
          },
        }),
    })
    return abilities
  }

  /**
   * Makes the namespace `place` as `intent` says, whatever of ours is there; run twice, the second changes nothing. Rules of
   * another backend that are right, such as those of istio-cni, which was asked before, stay as they are.
   */
  async redirect(place: Place, intent: Intent): Promise<Redirected> {
    return await this.#withBackend<Redirected>(async (backend) => await this.#redirectBy(backend, place, intent))
  }

  async #redirectBy(backend: Backend, place: Place, intent: Intent): Promise<Redirected> {
    const seen = await this.#look(place, backend)
    const wanted = this.#wanted(seen, intent)
    if (wanted.is === 'refused') return wanted
    const { prepared, found } = wanted
    const right = rightFor(prepared, found)
    const rules = right === null ? textsOf(backend, scriptFor(prepared, found.own)) : nothing(backend)
    const change = { rules, network: prepared.network }
    const applied: Applied = await this.#options.worker.run('apply', place, change)
    if (!applied.ok) return refused(applied.error)
    // ours first: no packet finds the namespace without rules
    const leftovers = found.others.filter((other) => other !== right)
    const problem = await this.#removeAll(place, leftovers)
    if (problem !== null) return refused(problem)
    const changed = right === null || applied.changed.length > 0 || leftovers.length > 0
    return { is: 'redirected', model: prepared.model, changed }
  }

  /** Takes out of `place` what is ours; null: whatever intent it was made by, so addresses and routes stay. */
  async undo(place: Place, intent: Intent | null): Promise<Reason | null> {
    const undone = await this.#withBackend<Reason | null>(async (backend) => {
      const { found } = await this.#look(place, backend)
      if (!found.ok) return refused(found.error).reason
      const network = intent === null ? [] : networkOf(intent, [4, 6])
      const { removal } = found.own
      const change = { rules: removal === null ? nothing(backend) : textsOf(backend, removal), network }
      const removed = await this.#options.worker.run('remove', place, change)
      if (!removed.ok) return refused(removed.error).reason
      const problem = await this.#removeAll(place, found.others)
      return problem === null ? null : refused(problem).reason
    })
    return undone !== null && 'is' in undone ? undone.reason : undone
  }

  /** Lists what is in `place` and compares it with what `intent` wants there; nothing is changed. */
  async compare(place: Place, intent: Intent): Promise<Compared> {
    return await this.#withBackend<Compared>(async (backend) => {
      const wanted = this.#wanted(await this.#look(place, backend), intent)
      if (wanted.is === 'refused') return wanted
      const { prepared, found } = wanted
      const lacking = await this.#options.worker.run('lackingItems', place, prepared.network)
      return { is: 'compared', difference: compared(prepared.model, found).difference, lacking }
    })
  }

  async #withBackend<T>(work: (backend: Backend) => Promise<T>): Promise<T | ReturnType<typeof refused>> {
    if (this.#picked.is === 'none') return { is: 'refused', reason: this.#picked.reason }
    try {
      return await work(this.#picked.backend)
    } catch (error) {
      return refused(error instanceof Error ? error.message : String(error))
    }
  }

  #wanted({ addresses, found }: Seen, intent: Intent): Wanted | Refused {
    const network = familiesOf(addresses)
    if (network.is === 'refused') return network
    if (!found.ok) return refused(found.error)
    return { is: 'wanted', prepared: this.#prepared.of(intent, network.families), found }
  }

  /**
   * What is in a namespace under Istio's names, by `own` and by every other backend that may have made rules there: an agent of
   * Istio, or one of ours before it could do better. One trip to the thread: each costs as much as a short job in it.
   */
  async #look(place: Place, own: Backend): Promise<Seen> {
    const order = { own, others: othersOf(own, this.#usable), chains: CHAINS }
    const look = await this.#options.worker.run('look', place, order)
    const addresses = look.addresses.map(({ address }) => address)
    const listing = listed(own, look.own)
    if ('error' in listing) return { addresses, found: listing }
    const others: Listing[] = []
    for (const { backend, dump } of look.others) {
      const other = listed(backend, dump)
      if ('error' in other) return { addresses, found: other }
      if (other.removal !== null) others.push(other)
    }
    return { addresses, found: { ok: true, own: listing, others } }
  }

  /** Takes away what other backends made; null, or why it could not be done. */
  async #removeAll(place: Place, others: readonly Listing[]): Promise<string | null> {
    for (const { backend, removal } of others) {
      if (removal === null) continue
      const change = { rules: textsOf(backend, removal), network: [] }
      const removed = await this.#options.worker.run('remove', place, change)
      if (!removed.ok) return removed.error
    }
    return null
  }
}

type Refused = Extract<Redirected, { is: 'refused' }>
type NotListed = { readonly ok: false; readonly error: string }
/** What a backend lists. */
interface Listing {
  readonly backend: Backend
  readonly script: Script
  /** takes away what is ours; null: nothing is */
  readonly removal: Script | null
}
/** What the own backend lists, and what others do that have something of ours. */
interface Found {
  readonly ok: true
  readonly own: Listing
  readonly others: readonly Listing[]
}
interface Seen {
  readonly addresses: readonly string[]
  readonly found: Found | NotListed
}
interface Wanted {
  readonly is: 'wanted'
  readonly prepared: Prepared
  readonly found: Found
}

/** How Istio's names of iptables' chains begin. */
const CHAINS = 'ISTIO_'

function listed(backend: Backend, dump: Dump): Listing | NotListed {
  if (!dump.ok) return dump
  const script: Script =
    'nft' in dump ? { of: 'nftables', text: dump.nft } : { of: 'iptables', v4: dump.v4, v6: dump.v6 }
  const removal = script.of === 'nftables' ? NFTABLES.remove(script) : IPTABLES.remove(script)
  return { backend, script, removal: isEmpty(removal) ? null : removal }
}

/** The backends whose rules `own` does not list: nft is one, however it is called. */
function othersOf(own: Backend, usable: readonly Backend[]): readonly Backend[] {
  const isNft = (backend: Backend): boolean => backend === 'libnftables' || backend === 'nft'
  const nft = usable.filter(isNft).slice(0, isNft(own) ? 0 : 1)
  return [...nft, ...usable.filter((backend) => !isNft(backend) && backend !== own)]
}

function refused(error: string): Refused {
  return { is: 'refused', reason: { code: 'rules_not_made', args: { error } } }
}

/** The listing that holds what is wanted. A fresh namespace has none, and most are, made for their pod just now. */
function rightFor({ model, isNothing }: Prepared, found: Found): Listing | null {
  const isFresh = found.own.removal === null && found.others.length === 0
  return isFresh && !isNothing ? null : compared(model, found).right
}

/**
 * The one listing that holds all that `model` wants and nothing else of ours, null where none does; and how what is there differs
 * from `model`.
 */
function compared(
  model: RuleModel,
  { own, others }: Found,
): { readonly right: Listing | null; readonly difference: RuleDifference } {
  const difference = differenceFrom(model, own.script)
  if (isNone(difference)) return { right: own, difference }
  const [other, ...more] = others
  if (other === undefined || more.length > 0 || own.removal !== null) return { right: null, difference }
  const ofOther = differenceFrom(model, other.script)
  return isNone(ofOther) ? { right: other, difference: ofOther } : { right: null, difference }
}

function differenceFrom(model: RuleModel, script: Script): RuleDifference {
  const { owner } = model
  const have = script.of === 'nftables' ? NFTABLES.observe(script, owner) : IPTABLES.observe(script, owner)
  return compareRules(model, have)
}

function isNone({ missing, surplus }: RuleDifference): boolean {
  return missing.length + surplus.length === 0
}

/** Where nothing of ours is only additions: a deletion waits for the kernel's grace period. */
function scriptFor({ model, additions }: Prepared, { script, removal }: Listing): Script {
  if (removal === null) return additions(script.of)
  return script.of === 'nftables' ? NFTABLES.replace(model, script) : IPTABLES.replace(model, script)
}

function isEmpty(script: Script): boolean {
  return script.of === 'nftables' ? script.text === '' : (script.v4 ?? '') === '' && (script.v6 ?? '') === ''
}

function textsOf(backend: Backend, script: Script): RuleTexts {
  const isNft = backend === 'libnftables' || backend === 'nft'
  if (isNft && script.of === 'nftables') return { backend, text: script.text }
  if (!isNft && script.of === 'iptables') return { backend, texts: { v4: script.v4, v6: script.v6 } }
  throw new TypeError(`rules of ${script.of} are not for ${backend}`)
}

function nothing(backend: Backend): RuleTexts {
  return backend === 'libnftables' || backend === 'nft'
    ? { backend, text: '' }
    : { backend, texts: { v4: null, v6: null } }
}
