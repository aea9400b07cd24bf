import { BoundedMap } from '../../core/bounded-map.ts'
import type { IpFamily } from '../../core/intent/address.ts'
import type { Intent } from '../../core/intent/intent.ts'
import type { Script } from '../../core/redirection/backend.ts'
import { meansNothing } from '../../core/redirection/comparison.ts'
import { IPTABLES } from '../../core/redirection/iptables.ts'
import type { RuleModel } from '../../core/redirection/model.ts'
import { type NetworkItem, networkOf } from '../../core/redirection/network.ts'
import { NFTABLES } from '../../core/redirection/nftables.ts'
import { type NodeFacts, rulesOf } from '../../core/redirection/rules-of.ts'

/** A node has few kinds of pods; each is some 15 KiB. */
const ENTRIES = 32
/** Characters of an intent; a usual one has 520. One that names some hundreds of ports is prepared each time: it would take 200 KiB. */
const LONGEST = 2048

/** What the intent of a pod comes to in a namespace with addresses of some families. */
export interface Prepared {
  readonly model: RuleModel
  /** what the rules need beside them */
  readonly network: readonly NetworkItem[]
  /** there is no rule that a packet could meet */
  readonly isNothing: boolean
  /** what makes the rules where nothing of ours is; rendered when it is asked for the first time */
  readonly additions: (of: Script['of']) => Script
}

/**
 * What was prepared, for the pods that want the same, as most of a node do. Gives what preparing it again would give. Bounded, since
 * whoever creates pods chooses what they want; the oldest goes first.
 */
export class PreparedRules {
  readonly #ambient: NodeFacts['ambient']
  readonly #known = new BoundedMap<string, Prepared>(ENTRIES)

  constructor(ambient: NodeFacts['ambient']) {
    this.#ambient = ambient
  }

  /** What `intent` comes to in a namespace that has addresses of `families`. */
  of(intent: Intent, families: readonly IpFamily[]): Prepared {
    const key = JSON.stringify([families, intent])
    const known = this.#known.get(key)
    if (known !== undefined) return known
    // which servers the pod will ask is the kubelet's to know: all DNS counts, as with Istio's plugin
    const prepared = prepare(intent, { network: { families, resolvers: null }, ambient: this.#ambient })
    if (key.length <= LONGEST) this.#known.set(key, prepared)
    return prepared
  }
}

function prepare(intent: Intent, facts: NodeFacts): Prepared {
  const model = rulesOf(intent, facts)
  const rendered: { [K in Script['of']]?: Script } = {}
  return {
    model,
    network: networkOf(intent, model.families),
    isNothing: meansNothing(model),
    additions: (of) => (rendered[of] ??= of === 'nftables' ? NFTABLES.render(model) : IPTABLES.render(model)),
  }
}
