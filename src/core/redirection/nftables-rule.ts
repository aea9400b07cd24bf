import { type Cidr, familyOf, hostCidr, type IpFamily } from '../intent/address.ts'
import { address, cidr, GrammarError, group, id, mark, networkInterface, type Port, port } from '../intent/grammar.ts'
import {
  type Action,
  ALL_BITS,
  type MarkBits,
  type Match,
  type OwnChain,
  type Rule,
  rule,
  type Wanted,
} from './model.ts'

/** Names of our own chains in nftables' words, and back. */
export interface ChainNames {
  readonly nameOf: (chain: OwnChain) => string
  readonly chainOf: (name: string) => OwnChain | undefined
}

/** One rule in the words of nft, as a `counter` for each shows whether it was met. */
export function printRule(which: Rule, names: ChainNames): string {
  const { when, then, family } = which
  const words = [...printFamily(which), ...printMatch(when, family), 'counter', ...printAction(then, names, family)]
  return words.join(' ')
}

/** A jump says no family: where it leads, rules of the other one cannot match (the model makes none such). */
function printFamily({ when, then, family }: Rule): readonly string[] {
  if (family === undefined || then.do === 'jump' || when.set !== undefined) return []
  return when.source === undefined && when.destination === undefined ? [`meta nfproto ipv${family}`] : []
}

function printMatch(when: Match, family: IpFamily | undefined): readonly string[] {
  const { source, destination, iif, oif, protocol, sport, dport, uid, gids, mark, connmark, states, set } = when
  const ip = family === 6 ? 'ip6' : 'ip'
  return [
    ...test(iif, 'iifname', (name) => `"${name}"`),
    ...test(oif, 'oifname', (name) => `"${name}"`),
    ...(protocol === undefined ? [] : [`meta l4proto ${protocol}`]),
    ...test(uid, 'meta skuid', String),
    ...(gids ?? []).flatMap((gid) =>
      test(gid, 'meta skgid', (value) => (typeof value === 'string' ? `"${value}"` : String(value))),
    ),
    ...test(source, `${ip} saddr`, (value) => value),
    ...test(destination, `${ip} daddr`, (value) => value),
    ...(set === undefined ? [] : [`${ip} daddr @${set}`]),
    ...(sport === undefined ? [] : [`${protocol ?? ''} sport ${sport}`]),
    ...test(dport, `${protocol ?? ''} dport`, (ports) =>
      ports.length === 1 ? String(ports[0]) : `{ ${ports.join(', ')} }`,
    ),
    ...printMark(mark, 'meta mark'),
    ...printMark(connmark, 'ct mark'),
    ...(states === undefined ? [] : [`ct state ${states.join(',').toLowerCase()}`]),
  ]
}

function test<T>(wanted: Wanted<T> | undefined, key: string, print: (value: T) => string): readonly string[] {
  if (wanted === undefined) return []
  return [wanted.not ? `${key} != ${print(wanted.value)}` : `${key} ${print(wanted.value)}`]
}

function printMark(wanted: Wanted<MarkBits> | undefined, key: string): readonly string[] {
  if (wanted === undefined) return []
  const { value, mask } = wanted.value
  const bits = mask === ALL_BITS ? key : `${key} & ${hex(mask)}`
  return [`${bits} ${wanted.not ? '!=' : '=='} ${hex(value)}`]
}

function hex(value: number): string {
  return `0x${value.toString(16)}`
}

function printAction(then: Action, names: ChainNames, family: IpFamily | undefined): readonly string[] {
  switch (then.do) {
    case 'return':
    case 'accept':
    case 'drop':
      return [then.do]
    case 'jump':
      return [`jump ${names.nameOf(then.to)}`]
    case 'redirect':
      return [`redirect to :${then.port}`]
    case 'tproxy':
      return [`tproxy ${family === 6 ? 'ip6' : 'ip'} to :${then.port}`, `meta mark set ${hex(then.mark)}`, 'accept']
    case 'mark':
      return [`meta mark set ${hex(then.value)}`]
    case 'save-mark':
      return ['ct mark set meta mark']
    case 'restore-mark':
      return ['meta mark set ct mark']
    case 'connmark':
      return [`ct mark set ct mark & ${hex((~then.bits.mask & ALL_BITS) >>> 0)} | ${hex(then.bits.value)}`]
    case 'zone':
      return [`ct zone set ${then.zone}`]
    case 'snat':
      return [`snat ${familyOf(then.to) === 4 ? 'ip' : 'ip6'} to ${then.to}`]
    case 'foreign':
      throw new Error('a rule of somebody else is never rendered')
  }
}

/** The rule that a line of `nft list` says; one of somebody else where we have no such rule. */
export function parseRule(line: string, names: ChainNames): Rule {
  try {
    return new NftRule(line, names).rule()
  } catch (error) {
    if (error instanceof GrammarError) return rule({}, { do: 'foreign', text: line.trim() })
    throw error
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** One statement of a rule: what it looks like, and what it adds. */
type Statement = readonly [RegExp, (to: NftRule, groups: readonly (string | undefined)[]) => void]

const NUMBER = '(0x[0-9a-f]+|[0-9]+)'
const VALUE = '(?: (==|!=))? '

/** Each is tried at the beginning of what is left of a line; all spellings that nft lists or Istio writes. */
const STATEMENTS: readonly Statement[] = [
  [/^counter(?: packets \d+ bytes \d+)?/, () => undefined],
  [/^meta nfproto ipv(4|6)/, (to, [family]) => to.setFamily(family === '6' ? 6 : 4)],
  [/^meta l4proto (tcp|udp)/, (to, [protocol]) => to.setProtocol(protocol)],
  [
    new RegExp(`^(iif|oif)name${VALUE}"?([^" ]+)"?`),
    (to, [side, not, name]) => to.set(side === 'iif' ? 'iif' : 'oif', wanted(not, networkInterface.parse(name ?? ''))),
  ],
  [
    new RegExp(`^(?:meta )?skuid${VALUE}(\\d+)`),
    (to, [not, value]) => to.set('uid', wanted(not, id.parse(value ?? ''))),
  ],
  [
    new RegExp(`^(?:meta )?skgid${VALUE}"?([^" ]+)"?`),
    (to, [not, value]) => to.addGroup(wanted(not, group.parse(value ?? ''))),
  ],
  [/^(ip|ip6) daddr @([a-z0-9-]+)/, (to, [ip, set]) => to.setSet(ip === 'ip6' ? 6 : 4, set ?? '')],
  [
    new RegExp(`^(ip|ip6) (s|d)addr${VALUE}([0-9a-f.:/]+)`),
    (to, [ip, side, not, value]) =>
      to.set(side === 's' ? 'source' : 'destination', wanted(not, network(value ?? '', ip === 'ip6' ? 6 : 4))),
  ],
  [
    new RegExp(`^(tcp|udp) sport ([0-9]+)`),
    (to, [protocol, value]) => to.setSourcePort(protocol, port.parse(value ?? '')),
  ],
  [
    new RegExp(`^(tcp|udp) dport${VALUE}(?:([0-9]+)|\\{ ([0-9, ]+) \\})`),
    (to, [protocol, not, one, more]) =>
      to.setPorts(protocol, wanted(not, (one ?? more ?? '').split(', ').map(port.parse))),
  ],
  [/^ct mark set (?:meta )?mark/, (to) => to.act({ do: 'save-mark' })],
  [
    new RegExp(`^ct mark set ct mark (?:&|and) ${NUMBER} (?:\\||or) ${NUMBER}`),
    (to, [kept, value]) => to.act({ do: 'connmark', bits: bitsSet(Number(kept), Number(value)) }),
  ],
  [/^meta mark set ct mark/, (to) => to.act({ do: 'restore-mark' })],
  [new RegExp(`^meta mark set ${NUMBER}`), (to, [value]) => to.act({ do: 'mark', value: Number(value) })],
  [
    new RegExp(`^(ct|meta)? ?mark(?: (?:&|and) ${NUMBER})?${VALUE}${NUMBER}`),
    (to, [of, mask, not, value]) =>
      to.set(
        of === 'ct' ? 'connmark' : 'mark',
        wanted(not, { value: Number(value), mask: mask === undefined ? ALL_BITS : Number(mask) }),
      ),
  ],
  [
    /^ct state ([a-z]+(?:,[a-z]+)*)/,
    (to, [states]) => to.set('states', (states ?? '').toUpperCase().split(',').toSorted()),
  ],
  [/^ct zone set (\d+)/, (to, [zone]) => to.act({ do: 'zone', zone: Number(zone) })],
  [/^tproxy (?:ip6? )?to :(\d+)/, (to, [value]) => to.setTproxy(port.parse(value ?? ''))],
  [/^redirect to :(\d+)/, (to, [value]) => to.act({ do: 'redirect', port: port.parse(value ?? '') })],
  [/^snat (?:ip6? )?to ([0-9a-f.:]+)/, (to, [value]) => to.act({ do: 'snat', to: address.parse(value ?? '') })],
  [/^jump ([a-z-]+)/, (to, [name]) => to.jump(name ?? '')],
  [/^(return|accept|drop)/, (to, [what]) => to.act({ do: what as 'return' | 'accept' | 'drop' })],
]

/** The kernel keeps bits that are set anyway, so a listing says `& 0xfffff111 | 0x111` for `& 0xfffff000 | 0x111`. */
function bitsSet(kept: number, value: number): MarkBits {
  return { value, mask: ((~kept | value) & ALL_BITS) >>> 0 }
}

function wanted<T>(operator: string | undefined, value: T): Wanted<T> {
  return { not: operator === '!=', value }
}

function network(text: string, family: IpFamily): Cidr {
  const value = text.includes('/') ? cidr.parse(text) : hostCidr(address.parse(text))
  if (familyOf(value) !== family) throw unknown(text)
  return value
}

/** Reads statement by statement; whatever is not one of ours ends in a GrammarError. */
class NftRule {
  readonly #when: Writable<Match> = {}
  readonly #actions: Action[] = []
  readonly #names: ChainNames
  #family: IpFamily | undefined
  #tproxy: Port | undefined
  #rest: string

  constructor(line: string, names: ChainNames) {
    this.#rest = line.trim()
    this.#names = names
  }

  rule(): Rule {
    while (this.#rest !== '') this.#statement()
    return rule(this.#when, this.#action(), this.#family)
  }

  #statement(): void {
    for (const [pattern, read] of STATEMENTS) {
      const [whole, ...groups] = pattern.exec(this.#rest) ?? []
      if (whole === undefined || !/^( |$)/.test(this.#rest.slice(whole.length))) continue
      read(this, groups)
      this.#rest = this.#rest.slice(whole.length).trimStart()
      return
    }
    throw unknown(this.#rest)
  }

  #action(): Action {
    const [first, second, ...more] = this.#actions
    if (this.#tproxy !== undefined && first?.do === 'mark' && second?.do === 'accept' && more.length === 0)
      return { do: 'tproxy', port: this.#tproxy, mark: mark.parse(String(first.value)) }
    if (first === undefined || second !== undefined || this.#tproxy !== undefined) throw unknown('these actions')
    return first
  }

  act(action: Action): void {
    this.#actions.push(action)
  }

  jump(name: string): void {
    const to = this.#names.chainOf(name)
    if (to === undefined) throw unknown(`jump ${name}`)
    this.act({ do: 'jump', to })
  }

  /** Each field at most once; the very same again says nothing new. */
  set<K extends keyof Match>(key: K, value: NonNullable<Match[K]>): void {
    const before = this.#when[key]
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(value)) throw unknown(`a second ${key}`)
    Object.assign(this.#when, { [key]: value })
  }

  setFamily(family: IpFamily): void {
    if (this.#family !== undefined && this.#family !== family) throw unknown('two families')
    this.#family = family
  }

  setProtocol(protocol: string | undefined): void {
    this.set('protocol', protocol === 'udp' ? 'udp' : 'tcp')
  }

  setSourcePort(protocol: string | undefined, value: Port): void {
    this.setProtocol(protocol)
    this.set('sport', value)
  }

  setPorts(protocol: string | undefined, ports: Wanted<readonly Port[]>): void {
    this.setProtocol(protocol)
    this.set('dport', { not: ports.not, value: ports.value.toSorted((a, b) => a - b) })
  }

  setSet(family: IpFamily, name: string): void {
    this.setFamily(family)
    this.set('set', name)
  }

  setTproxy(to: Port): void {
    this.#tproxy = to
  }

  addGroup(gid: NonNullable<Match['gids']>[number]): void {
    this.#when.gids = [...(this.#when.gids ?? []), gid]
  }
}

function unknown(what: string): GrammarError {
  return new GrammarError(`has ${what}, which none of our rules has`)
}
