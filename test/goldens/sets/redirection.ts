import { isList, isObject, type Json, type JsonObject, objectOr, stringOr } from '../../../src/core/json/value.ts'
import { IPTABLES } from '../../../src/core/redirection/iptables.ts'
import { ipCommand } from '../../../src/core/redirection/network.ts'
import { NFTABLES } from '../../../src/core/redirection/nftables.ts'
import { plannedRules } from '../../../src/core/redirection/rules-text.ts'
import { sentence } from '../../../src/core/vocabulary/reasons.ts'
import { jsonDifferences } from '../comparison/differences.ts'
import {
  acrossDifferences,
  iptablesDifferences,
  nftablesDifferences,
  savedText,
  scriptText,
} from '../comparison/rules.ts'
import type { GoldenCase, GoldenSet } from '../golden-set.ts'
import { explains, PLUGIN_QUIRKS } from './foreseen.ts'
import { onNode, plainArguments } from './redirection-plugin.ts'
import { jsonFiles } from './json-files.ts'

/** One file a case: a configuration or a pod, to the rules for both backends and what they need beside them. */
export const REDIRECTION: GoldenSet = { name: 'redirection', place: 'redirection', cases, differences }

function cases(place: string): readonly GoldenCase[] {
  return jsonFiles(place).map(({ name, golden }) => {
    const isPlugin = golden['mode'] === 'plugin'
    const input = objectOr(golden['input'])
    return {
      name,
      expected: expectedOf(golden),
      actual: () => (isPlugin ? onNode(input) : planned(golden)),
      ...(isPlugin ? { foresees: (lines: readonly string[]) => explains(PLUGIN_QUIRKS, input, lines) } : {}),
    }
  })
}

/** What `planned` and `onNode` give too: rules as text. */
function expectedOf(golden: JsonObject): Json {
  const { error, iptables, nftables, network, notes, agentCalled, ...rest } = objectOr(golden['expected'])
  const owner = (stringOr(golden['mode']) ?? '').startsWith('ambient') ? 'ambient' : 'sidecar'
  if (error === true) return { action: 'error' }
  // the agent of Istio was asked, so the pod is one for ambient; what that agent answers is not the node's decision
  if (agentCalled === true) return { action: 'ambient' }
  const families = objectOr(iptables)
  return {
    owner,
    ...rest,
    ...(isObject(iptables) ? { iptables: { v4: savedText(families['v4']), v6: savedText(families['v6']) } } : {}),
    nftables: scriptText(nftables),
    network,
    notes,
  }
}

function planned(golden: JsonObject): Json {
  const [forIptables, forNft] = [plannedRules(golden, 'iptables', [4]), plannedRules(golden, 'nftables', [4])]
  if (forIptables.is !== 'rules') return { action: 'error', message: sentence(forIptables.reason) }
  if (forNft.is !== 'rules') return { action: 'error', message: sentence(forNft.reason) }
  const { v4, v6 } = IPTABLES.render(forIptables.model)
  const nftables = NFTABLES.render(forNft.model).text
  return { iptables: { v4, v6 }, nftables, network: forIptables.network.map(ipCommand) }
}

function differences(expected: Json, actual: Json): readonly string[] {
  const [want, got] = [objectOr(expected), objectOr(actual)]
  if (want['action'] === 'redirect' && got['action'] === 'error' && isDefect(want)) return []
  if (want['action'] !== got['action'])
    return [...jsonDifferences(want['action'], got['action'], 'action'), ...texts(got['message'])]
  if (want['action'] === 'error') return mentions(want, got)
  return [
    ...jsonDifferences(want['skipReason'], got['skipReason'], 'skipReason'),
    ...jsonDifferences(plainArguments(objectOr(want['arguments'])), objectOr(got['arguments']), 'arguments'),
    ...ruleDifferences(want, got),
    ...(want['network'] === undefined ? [] : jsonDifferences(commands(want), commands(got), 'network')),
  ]
}

function ruleDifferences(want: JsonObject, got: JsonObject): readonly string[] {
  if (!isObject(want['iptables'])) return []
  const owner = want['owner'] === 'ambient' ? 'ambient' : 'sidecar'
  const [wanted, had] = [stringOr(want['nftables']), stringOr(got['nftables']) ?? '']
  return [
    ...iptablesDifferences(want['iptables'], objectOr(got['iptables']), owner),
    // where Istio's own nft rules fail, ours must mean what its iptables rules mean
    ...(wanted === undefined
      ? acrossDifferences(want['iptables'], had, owner)
      : nftablesDifferences(asIptablesMeans(wanted), had, owner)),
  ]
}

/** Invalid packets of every protocol, as Istio's iptables rules have it: its nftables rules look at TCP alone (cni 32). */
function asIptablesMeans(nftables: string): string {
  return nftables.replaceAll('meta l4proto tcp ct state invalid', 'ct state invalid')
}

/** A case in which Istio emits a rule that the kernel's tool refuses: there a clear refusal is right. */
function isDefect({ notes }: JsonObject): boolean {
  return texts(notes).some((note) => note.startsWith('upstream defect: invalid match argument'))
}

/** Names of Istio's arguments whose annotation is called otherwise. */
const CALLED: Readonly<Record<string, RegExp>> = {
  includeIPCidrs: /includeOutboundIPRanges/,
  excludeIPCidrs: /excludeOutboundIPRanges/,
  redirectMode: /interceptionMode/,
  rerouteVirtualInterfaces: /reroute-virtual-interfaces|kubevirtInterfaces/,
}

/** A refusal names the setting; of our own results the words count too. */
function mentions(want: JsonObject, got: JsonObject): readonly string[] {
  const message = stringOr(got['message']) ?? ''
  const named = stringOr(want['errorMentions'])
  const own = stringOr(want['message'])
  if (own !== undefined) return jsonDifferences(own, message, 'message')
  if (named === undefined || (CALLED[named] ?? new RegExp(named)).test(message)) return []
  return [`the message does not mention ${named}: ${message}`]
}

/** Any order; adding what is there already must not fail, which `replace` says where Istio says `add`. */
function commands(result: JsonObject): Json {
  return texts(result['network'])
    .map((command) => command.replace(' route replace ', ' route add '))
    .toSorted()
}

function texts(value: unknown): readonly string[] {
  return isList(value) ? value.filter((one) => typeof one === 'string') : typeof value === 'string' ? [value] : []
}
