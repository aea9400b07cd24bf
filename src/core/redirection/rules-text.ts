import { type Address, familyOf, type IpFamily } from '../intent/address.ts'
import { configurationIn, intentOfDocument, kindOfDocument } from '../intent/document.ts'
import { address, GrammarError, id } from '../intent/grammar.ts'
import type { Intent, IntentResult } from '../intent/intent.ts'
import { type JsonObject, stringOr } from '../json/value.ts'
import { PROBE_SOURCE } from '../vocabulary/ports.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import { ambientHostRules, type AmbientNode } from './ambient.ts'
import type { Backend } from './backend.ts'
import { IPTABLES } from './iptables.ts'
import type { RuleModel } from './model.ts'
import { ipCommand, ipRetraction, type NetworkItem, networkOf } from './network.ts'
import { NFTABLES } from './nftables.ts'
import { rulesOf } from './rules-of.ts'

/** The rules of a document, or why there are none. */
export type PlannedRules =
  | { readonly is: 'rules'; readonly model: RuleModel; readonly network: readonly NetworkItem[] }
  | { readonly is: 'skip' | 'refused'; readonly reason: Reason }

export type RulesText =
  { readonly is: 'text'; readonly text: string } | { readonly is: 'skip' | 'refused'; readonly reason: Reason }

/** Which text is wanted: `add` what a node makes in a fresh namespace, or `remove` what takes the same away again. */
export interface TextWish {
  readonly backend: Backend['name']
  readonly family: IpFamily
  readonly verb: 'add' | 'remove'
}

/**
 * What a node would apply for `document`, a pod or a configuration, or the reverse: text for one tool and family (nftables takes
 * both in one), the addresses and routes that go with it as comments, in the order in which a node does both. Offline nobody knows a
 * pod's DNS servers: then all DNS counts.
 */
export function rulesText(document: JsonObject, { backend, family, verb }: TextWish): RulesText {
  const rules = plannedRules(document, backend, family === 6 ? [4, 6] : [4])
  if (rules.is !== 'rules') return rules
  const work = verb === 'add' ? 'render' : 'retract'
  const text =
    backend === 'nftables'
      ? NFTABLES[work](rules.model).text
      : (IPTABLES[work](rules.model)[family === 4 ? 'v4' : 'v6'] ?? '')
  const beside = rules.network
    .filter((item) => backend === 'nftables' || (item.kind === 'address' ? 6 : item.family) === family)
    .map((item) => `# ${verb === 'add' ? ipCommand(item) : ipRetraction(item)}\n`)
  return { is: 'text', text: (verb === 'add' ? [...beside, text] : [text, ...beside.toReversed()]).join('') }
}

/** The rules of a pod, or of a configuration as `test/goldens/redirection` has them; `families` counts for pods. */
export function plannedRules(
  document: JsonObject,
  backend: Backend['name'],
  families: readonly IpFamily[],
): PlannedRules {
  try {
    return planned(document, backend, families)
  } catch (error) {
    if (!(error instanceof GrammarError)) throw error
    const args = { field: 'the configuration', problem: error.message }
    return { is: 'refused', reason: { code: 'intent_invalid', args } }
  }
}

function planned(document: JsonObject, backend: Backend['name'], families: readonly IpFamily[]): PlannedRules {
  const kind = kindOfDocument(document)
  const configuration = configurationIn(document)
  if (kind === 'ambient-host') return hostRules(configuration, backend)
  const node = kind === 'pod' ? { ...DEFAULT_NODE, families } : ambientNode(configuration)
  return podRules(intentOfDocument(document), node)
}

/** The rules that a node whose probes have their usual source makes for `intent`, all DNS counting. */
export function plannedModel(intent: Intent, families: readonly IpFamily[], dnsCapture: boolean): RuleModel {
  return rulesOf(intent, { network: { families, resolvers: null }, ambient: { ...DEFAULT_NODE, dnsCapture } })
}

const DEFAULT_NODE: AmbientNode = ambientNode({})

function podRules(read: IntentResult, node: AmbientNode): PlannedRules {
  if (read.is !== 'redirect') return read
  const { families } = node
  const model = rulesOf(read.intent, { network: { families, resolvers: null }, ambient: node })
  return { is: 'rules', model, network: networkOf(read.intent, families) }
}

function ambientNode(configuration: JsonObject): AmbientNode {
  return {
    families: configuration['ipv6'] === true ? [4, 6] : [4],
    dnsCapture: configuration['redirectDns'] === true,
    probeSource: {
      4: addressOr(configuration['hostProbeSnatIp'], 4, PROBE_SOURCE.v4),
      6: addressOr(configuration['hostProbeSnatIpV6'], 6, PROBE_SOURCE.v6),
    },
  }
}

function addressOr(value: unknown, family: IpFamily, plain: string): Address {
  const text = stringOr(value) ?? plain
  const given = address.parse(text)
  if (familyOf(given) !== family) throw new GrammarError(`has ${text}, which is no IPv${family} address`)
  return given
}

/** nftables cannot ask whether a socket made a packet, so there it is the kubelet's user (cni.md §5.9). */
function hostRules(configuration: JsonObject, backend: Backend['name']): PlannedRules {
  const uid = id.parse(stringOr(configuration['kubeletUid']) ?? '0')
  const maker = backend === 'nftables' ? ({ is: 'user', uid } as const) : ({ is: 'any-socket' } as const)
  return { is: 'rules', model: ambientHostRules(ambientNode(configuration), maker), network: [] }
}
