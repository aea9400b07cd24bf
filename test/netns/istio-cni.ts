import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeIntent } from '../../src/core/intent/codec.ts'
import { intentOfDocument } from '../../src/core/intent/document.ts'
import type { Intent } from '../../src/core/intent/intent.ts'
import { parseJson } from '../../src/core/json/parse.ts'
import { objectOr, stringOr } from '../../src/core/json/value.ts'
import { inNetns, ip, type TestNetns, tools } from './world.ts'

/**
 * Istio's CNI agent, as far as it leaves something in a pod: the rules of one golden case, by the tool that it would take, with
 * the routes that go with them. Nothing here comes from the product.
 */
const GOLDENS = join(import.meta.dirname, '../goldens/redirection')

export const ISTIO_TOOLS = ['iptables-nft', 'iptables-legacy', 'nft'] as const
export type IstioTool = (typeof ISTIO_TOOLS)[number]

/** What Istio makes of one configuration. */
export interface IstioCase {
  readonly intent: Intent
  /** as the webhook would say the same */
  readonly intentText: string
  readonly iptables: { readonly v4: string; readonly v6: string }
  readonly nft: string
  /** commands of `ip` */
  readonly network: readonly string[]
}

/** The golden case `name`. */
export function istioCase(name: string): IstioCase {
  const golden = objectOr(parseJson(readFileSync(join(GOLDENS, `${name}.json`), 'utf8')))
  const read = intentOfDocument(golden)
  if (read.is !== 'redirect' || read.intent.kind === 'none') throw new Error(`${name} redirects nothing`)
  const { iptables, nftables, network } = objectOr(golden['expected'])
  const restore = (family: string): string => stringOr(objectOr(objectOr(iptables)[family])['restore']) ?? ''
  return {
    intent: read.intent,
    intentText: encodeIntent(read.intent),
    iptables: { v4: restore('v4'), v6: restore('v6') },
    nft: stringOr(objectOr(nftables)['script']) ?? '',
    network: network as readonly string[],
  }
}

/** Programs the pod's namespace, as istio-cni does when it is asked. */
export function programAsIstio(netns: TestNetns, { iptables, nft, network }: IstioCase, tool: IstioTool): void {
  if (tool === 'nft') feed(netns, 'nft', ['-f', '-'], nft)
  else {
    feed(netns, `${tool}-restore`, ['--noflush'], iptables.v4)
    if (iptables.v6 !== '') feed(netns, `${tool.replace('ip', 'ip6')}-restore`, ['--noflush'], iptables.v6)
  }
  for (const command of network) ip('-n', netns.name, ...command.split(' ').slice(1))
}

/** What the kernel gives to a link some time after it is up: its own addresses, and the route to groups. */
export const IN_ITS_OWN_TIME = /^(?:.*\bfe80:.*|multicast .*)\n/gm

/** Everything that rules are made of: of nft with the handles, which a rule that is written again does not keep. */
export function everyRule(netns: TestNetns): string {
  const network = [['rule'], ['-6', 'rule'], ['route', 'show', 'table', 'all'], ['address', 'show', 'lo']]
  const legacy = ['iptables-legacy-save', 'ip6tables-legacy-save'].map((program) =>
    inNetns(netns, program).replaceAll(/^#.*$|\[\d+:\d+\]/gm, ''),
  )
  const rest = network.map((args) => ip('-n', netns.name, ...args).replaceAll(IN_ITS_OWN_TIME, ''))
  return [inNetns(netns, 'nft', '-a', '-s', 'list', 'ruleset'), ...legacy, ...rest].join('\n')
}

function feed(netns: TestNetns, program: string, args: readonly string[], input: string): void {
  const file = `${tools.programs}${program}`
  execFileSync('ip', ['netns', 'exec', netns.name, file, ...args], { input, env: tools.env, encoding: 'utf8' })
}
