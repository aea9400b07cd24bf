import { type NodeAbilities, nodeAbilities } from './abilities.ts'
import {
  apply,
  type Applied,
  type Backend,
  type Change,
  dump,
  type Dump,
  type Means,
  type NftBackend,
  type Ran,
  remove,
  runNft,
} from './apply.ts'
import { type Exits, leavingBy } from './exits.ts'
import type { Feature } from './features.ts'
import { type InterfaceAddress, interfaceAddresses } from './interface-addresses.ts'
import { look, type Look, type LookOrder } from './look.ts'
import { insideNetns, type NamespaceId } from './namespaces.ts'
import { lackingItems, type NetworkItem } from './network.ts'
import { netnsProcesses, type NetnsProcess } from './processes.ts'
import type { ScratchNetwork } from './scratch-network.ts'
import { openScratchNode, type ScratchNode } from './scratch-node.ts'
import { knockAtScratchPod, type Knock, type Knocked } from './scratch-pod.ts'
import type { Steps } from './steps.ts'
import { survey, type Survey } from './survey.ts'
import { changeRules, type Routing, routing, type RuleChanges } from './policy-routing.ts'
import { type Observation, probe, type ProbePlan } from './probe.ts'

/** What can be asked of the worker: each kind with what it takes and gives. */
export interface Jobs {
  readonly apply: { readonly takes: Change; readonly gives: Applied }
  readonly remove: { readonly takes: Change; readonly gives: Applied }
  readonly nft: { readonly takes: { readonly backend: NftBackend; readonly text: string }; readonly gives: Ran }
  readonly dump: { readonly takes: { readonly backend: Backend }; readonly gives: Dump }
  readonly probe: { readonly takes: ProbePlan; readonly gives: readonly Observation[] }
  readonly abilities: { readonly takes: { readonly features: readonly Feature[] }; readonly gives: NodeAbilities }
  readonly processes: {
    readonly takes: { readonly proc: string; readonly except: readonly NamespaceId[] }
    readonly gives: readonly NetnsProcess[]
  }
  readonly look: { readonly takes: LookOrder; readonly gives: Look }
  readonly knock: { readonly takes: Knock; readonly gives: Knocked }
  readonly scratchNode: {
    readonly takes: { readonly networks: readonly ScratchNetwork[] }
    readonly gives: ScratchNode
  }
  readonly routing: { readonly takes: Readonly<Record<string, never>>; readonly gives: Routing }
  readonly changeRules: { readonly takes: RuleChanges; readonly gives: null }
  readonly addresses: {
    readonly takes: Readonly<Record<string, never>>
    readonly gives: readonly InterfaceAddress[]
  }
  readonly lackingItems: { readonly takes: readonly NetworkItem[]; readonly gives: readonly NetworkItem[] }
  readonly leavingBy: { readonly takes: Exits; readonly gives: readonly string[] }
  readonly survey: { readonly takes: Readonly<Record<string, never>>; readonly gives: Survey }
}
export type JobKind = keyof Jobs

/** The namespace that a job works in. */
export interface Place {
  readonly fd: number
  readonly foreignUsers: boolean
}

/** What a job may use: the way home and the means to change rules. */
export interface Workshop {
  readonly home: number
  readonly means: Means
}

type Handlers = {
  readonly [K in JobKind]: (
    input: Jobs[K]['takes'],
    place: Place,
    shop: Workshop,
  ) => Jobs[K]['gives'] | Steps<Jobs[K]['gives']>
}

/**
 * Every handler, or each of its steps, is synchronous: one at a time has the thread, its namespace and libnftables to itself.
 * What waits for others does so between steps.
 */
export const HANDLERS: Handlers = {
  apply: (change, { fd, foreignUsers }, { home, means }) =>
    insideNetns(fd, home, () => apply(change, fd, foreignUsers, means)),
  remove: (change, { fd, foreignUsers }, { home, means }) =>
    insideNetns(fd, home, () => remove(change, fd, foreignUsers, means)),
  nft: ({ backend, text }, { fd }, { home, means }) => insideNetns(fd, home, () => runNft(backend, text, means)),
  dump: ({ backend }, { fd }, { home, means }) => insideNetns(fd, home, () => dump(backend, fd, means)),
  probe: (plan, { fd }, { home }) => probe(plan, fd, home),
  // in namespaces of its own making: the place is not used
  abilities: ({ features }, _, { home, means }) => nodeAbilities(features, means, home),
  // thousands of files in turn: not for the main thread; the place is not used
  processes: ({ proc, except }) => netnsProcesses(proc, except),
  look: (order, { fd }, { home, means }) => insideNetns(fd, home, () => look(order, fd, means)),
  knock: (plan, { fd }, { home }) => knockAtScratchPod(plan, fd, home),
  // in namespaces of its own making: the place is not used
  scratchNode: ({ networks }, _, { home }) => openScratchNode(networks, home),
  routing: (_, { fd }, { home }) => insideNetns(fd, home, routing),
  changeRules: (changes, { fd }, { home }) => insideNetns(fd, home, () => changeRules(changes)),
  addresses: (_, { fd }, { home }) => insideNetns(fd, home, interfaceAddresses),
  lackingItems: (items, { fd }, { home }) => insideNetns(fd, home, () => lackingItems(items)),
  leavingBy: (exits, { fd }, { home }) => insideNetns(fd, home, () => leavingBy(exits)),
  survey: (_, { fd }, { home }) => insideNetns(fd, home, survey),
}
