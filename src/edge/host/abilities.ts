import { existsSync } from 'node:fs'
import type { Family } from './addresses.ts'
import { apply, type Backend, BACKENDS, dump, type Means, type RuleTexts } from './apply.ts'
import { answeringPort } from './conntrack.ts'
import type { Feature } from './features.ts'
import { insideScratchNetns } from './namespaces.ts'
import { listeners } from './socket-table.ts'

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
  return {
    backends: BACKENDS.map((backend) => ability(backend, features, families, means, home)),
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
    return error instanceof Error ? error.message : String(error)
  }
}

/** The backend to use, and why: the one that is forced, else the first that lacks nothing that `needed` names. */
export function pickBackend(
  { backends }: NodeAbilities,
  forced: Backend | null,
  needed: (feature: MissingFeature) => boolean,
):
  | { readonly is: 'picked'; readonly backend: Backend; readonly because: string }
  | { readonly is: 'none'; readonly why: string } {
  const judged = backends.map((one) => ({ backend: one.backend, lack: lackOf(one, needed) }))
  const wanted = judged.filter(({ backend }) => forced === null || backend === forced)
  const found = wanted.find(({ lack }) => lack === null)
  const lacks = wanted.flatMap(({ backend, lack }) => (lack === null ? [] : [`${backend}: ${lack}`]))
  if (found === undefined) return { is: 'none', why: lacks.join('; ') }
  if (forced !== null) return { is: 'picked', backend: found.backend, because: 'it is forced' }
  const before = judged.slice(0, judged.indexOf(found)).map(({ backend, lack }) => `${backend}: ${lack ?? ''}`)
  return {
    is: 'picked',
    backend: found.backend,
    because: before.length === 0 ? 'it is the fastest' : before.join('; '),
  }
}

function lackOf(ability: BackendAbility, needed: (feature: MissingFeature) => boolean): string | null {
  if (ability.is === 'unusable') return ability.why
  const missing = ability.missing.filter(needed)
  if (missing.length === 0) return null
  return missing
    .map(({ feature, family, module }) => `IPv${family} ${feature} needs the kernel module ${module}`)
    .join(', ')
}
