import { existsSync } from 'node:fs'
import type { Family } from './addresses.ts'
import { apply, type Backend, BACKENDS, dump, type Means, type RuleTexts } from './apply.ts'
import { lackOf } from './confinement.ts'
import { answeringPort } from './conntrack.ts'
import type { Feature } from './features.ts'
import { insideScratchNetns, scratchRefusal } from './namespaces.ts'
import { listeners } from './socket-table.ts'
import { messageOf } from '../message-of.ts'

/** A feature that a backend cannot use, with the kernel module that is probably missing. */
export interface MissingFeature {
  readonly feature: string
  readonly family: Family
  readonly module: string
  readonly error: string
}

/** What one backend can do on this node. */
export type BackendAbility =
  | { readonly backend: Backend; readonly is: 'usable'; readonly missing: readonly MissingFeature[] }
  | { readonly backend: Backend; readonly is: 'unusable'; readonly why: string }

/** What this node can do, tried with real rules in a namespace made for it. */
export interface NodeAbilities {
  readonly backends: readonly BackendAbility[]
  readonly ipv6: boolean
  /** finding a connection's other end (inet_diag) and a flow's translation (nf_conntrack_netlink): null, or why not */
  readonly socketTable: string | null
  readonly flowTable: string | null
}

/** Tries everything. Called with the thread at `home`. */
export function nodeAbilities(features: readonly Feature[], means: Means, home: number): NodeAbilities {
  const ipv6 = existsSync('/proc/net/if_inet6')
  const families: readonly Family[] = ipv6 ? [4, 6] : [4]
  const refusal = scratchRefusal(home)
  return {
    backends: BACKENDS.map((backend) =>
      refusal === null
        ? ability(backend, features, families, means, home)
        : { backend, is: 'unusable', why: `no network namespace can be made to try it in: ${refusal}` },
    ),
    ipv6,
    socketTable: problem(() => listeners('tcp')),
    flowTable: problem(() => answeringPort({ protocol: 'tcp', from: NOWHERE, to: NOWHERE, zone: 0 })),
  }
}

const NOWHERE = { address: '192.0.2.1', port: 1 }
/** Rules that own nothing outside the namespace ask nobody about its users. */
const NO_NETNS = -1

function ability(
  backend: Backend,
  features: readonly Feature[],
  families: readonly Family[],
  means: Means,
  home: number,
): BackendAbility {
  if (backend === 'iptables-legacy' && lackOf('NET_RAW').length > 0)
    return { backend, is: 'unusable', why: 'it opens a raw socket, and this process lacks the capability NET_RAW' }
  const listed = insideScratchNetns(home, () => dump(backend, NO_NETNS, means))
  if (!listed.ok) return { backend, is: 'unusable', why: listed.error }
  // each attempt in a namespace of its own: what one leaves cannot help or hinder the next
  const attempt = (some: readonly Feature[], family: Family): string | null => {
    const rules = rulesOf(backend, some, family)
    const applied = insideScratchNetns(home, () => apply({ rules, network: [] }, NO_NETNS, false, means))
    return applied.ok ? null : applied.error
  }
  const missing = families.flatMap((family) => {
    if (attempt(features, family) === null) return []
    return features.flatMap((feature): readonly MissingFeature[] => {
      const error = attempt([feature], family)
      const { module } = isNft(backend) ? feature.nft : feature.xtables
      return error === null ? [] : [{ feature: feature.name, family, module, error }]
    })
  })
  // no module is missing where nothing at all can be made
  const [first] = missing
  if (first !== undefined && missing.length === families.length * features.length)
    return { backend, is: 'unusable', why: `it makes no rule at all: ${first.error}` }
  return { backend, is: 'usable', missing }
}

function isNft(backend: Backend): backend is 'libnftables' | 'nft' {
  return backend === 'libnftables' || backend === 'nft'
}

/** Rules that use all of `features`, as the backend's text. */
function rulesOf(backend: Backend, features: readonly Feature[], family: Family): RuleTexts {
  if (isNft(backend)) {
    const chains = features.map(({ nft }, i) => {
      const chain = `add chain inet t c${i} { ${nft.place} ; }`
      return `${chain}\nadd rule inet t c${i} ${nft.rule[family]}\n`
    })
    return { backend, text: `add table inet t\n${chains.join('')}` }
  }
  const rules = features.map(({ xtables }) => {
    const [table = '', chain = ''] = xtables.place.split(' ')
    return `*${table}\n-A ${chain} ${xtables.rule[family]}\nCOMMIT\n`
  })
  return { backend, texts: { v4: family === 4 ? rules.join('') : null, v6: family === 6 ? rules.join('') : null } }
}

function problem(work: () => unknown): string | null {
  try {
    work()
    return null
  } catch (error) {
    return messageOf(error)
  }
}
