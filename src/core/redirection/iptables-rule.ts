import { type Cidr, hostCidr, type IpFamily } from '../intent/address.ts'
import { address, cidr, GrammarError, group, id, mark, networkInterface, port } from '../intent/grammar.ts'
import { type Action, ALL_BITS, type MarkBits, type Match, OWN_CHAINS, type Rule, rule, type Wanted } from './model.ts'

/** One rule in the words of iptables, without `-A CHAIN`. */
export function printRule({ when, then }: Rule, family: IpFamily): string {
  return [...printMatch(when), '-j', ...printAction(then, family)].join(' ')
}

function printMatch(when: Match): readonly string[] {
  const { source, destination, iif, oif, protocol, sport, dport, uid, gids, socket, mark, connmark, states, set } = when
  const ports = dport?.value ?? []
  return [
    ...option(source, '-s', (value) => value),
    ...option(destination, '-d', (value) => value),
    ...option(iif, '-i', (value) => value),
    ...option(oif, '-o', (value) => value),
    ...(protocol === undefined ? [] : ['-p', protocol]),
    ...(sport === undefined ? [] : ['--sport', String(sport)]),
    ...(ports.length > 1 ? ['-m', 'multiport'] : []),
    ...option(dport, ports.length > 1 ? '--dports' : '--dport', (value) => value.join(',')),
    ...(socket === undefined ? [] : ['-m', 'owner', '--socket-exists']),
    ...(uid === undefined ? [] : ['-m', 'owner', ...option(uid, '--uid-owner', String)]),
    ...(gids ?? []).flatMap((gid) => ['-m', 'owner', ...option(gid, '--gid-owner', String)]),
    ...(mark === undefined ? [] : ['-m', 'mark', ...option(mark, '--mark', bits)]),
    ...(connmark === undefined ? [] : ['-m', 'connmark', ...option(connmark, '--mark', bits)]),
    ...(states === undefined ? [] : ['-m', 'conntrack', '--ctstate', states.join(',')]),
    ...(set === undefined ? [] : ['-m', 'set', '--match-set', set, 'dst']),
  ]
}

function option<T>(wanted: Wanted<T> | undefined, flag: string, print: (value: T) => string): readonly string[] {
  if (wanted === undefined) return []
  return [...(wanted.not ? ['!'] : []), flag, print(wanted.value)]
}

function bits({ value, mask }: MarkBits): string {
  return mask === ALL_BITS ? hex(value) : `${hex(value)}/${hex(mask)}`
}

function hex(value: number): string {
  return `0x${value.toString(16)}`
}

function printAction(then: Action, family: IpFamily): readonly string[] {
  switch (then.do) {
    case 'return':
    case 'accept':
    case 'drop':
      return [then.do.toUpperCase()]
    case 'jump':
      return [then.to]
    case 'redirect':
      return ['REDIRECT', '--to-ports', String(then.port)]
    case 'tproxy':
      return [
        'TPROXY',
        '--on-port',
        String(then.port),
        '--on-ip',
        ANY[family],
        '--tproxy-mark',
        `${hex(then.mark)}/${hex(ALL_BITS)}`,
      ]
    case 'mark':
      return ['MARK', '--set-xmark', `${hex(then.value)}/${hex(ALL_BITS)}`]
    case 'save-mark':
      return ['CONNMARK', '--save-mark', ...WHOLE]
    case 'restore-mark':
      return ['CONNMARK', '--restore-mark', ...WHOLE]
    case 'connmark':
      return ['CONNMARK', '--set-xmark', `${hex(then.bits.value)}/${hex(then.bits.mask)}`]
    case 'zone':
      return ['CT', '--zone', String(then.zone)]
    case 'snat':
      return ['SNAT', '--to-source', then.to]
    case 'foreign':
      throw new Error('a rule of somebody else is never rendered')
  }
}

const ANY: Readonly<Record<IpFamily, string>> = { 4: '0.0.0.0', 6: '::' }
const WHOLE = ['--nfmask', hex(ALL_BITS), '--ctmask', hex(ALL_BITS)]

/** The rule that `text` (as iptables-save has it behind `-A CHAIN`) says; one of somebody else where we have no such rule. */
export function parseRule(text: string, family: IpFamily): Rule {
  try {
    return new IptablesRule(text, family).rule()
  } catch (error) {
    if (error instanceof GrammarError) return rule({}, { do: 'foreign', text }, family)
    throw error
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** Reads word by word; whatever is not one of our own words ends in a GrammarError. */
class IptablesRule {
  readonly #words: string[]
  readonly #family: IpFamily
  readonly #when: Writable<Match> = {}
  #module = ''
  #not = false

  constructor(text: string, family: IpFamily) {
    this.#words = text.split(/\s+/).filter((word) => word !== '')
    this.#family = family
  }

  rule(): Rule {
    for (let word = this.#next(); word !== '-j'; word = this.#next()) this.#match(word)
    if (this.#not) throw unknown('!')
    const then = this.#action(this.#next())
    if (this.#words.length > 0) throw unknown(this.#words.join(' '))
    return rule(this.#when, then, this.#family)
  }

  #match(word: string): void {
    if (word === '!') {
      this.#not = true
      return
    }
    const read = MATCHES[word]
    if (read === undefined) throw unknown(word)
    read(this)
    if (word !== '-m' && this.#not) throw unknown(`! ${word}`)
  }

  #next(): string {
    const word = this.#words.shift()
    if (word === undefined) throw unknown('the end of the rule')
    return word
  }

  /** The next word, and whether it must not hold. */
  wanted<T>(parse: (text: string) => T): Wanted<T> {
    const not = this.#not
    this.#not = false
    return { not, value: parse(this.#next()) }
  }

  plain<T>(parse: (text: string) => T): T {
    return parse(this.#next())
  }

  /** Each field at most once: iptables would want both. */
  set<K extends keyof Match>(key: K, value: NonNullable<Match[K]>): void {
    if (this.#when[key] !== undefined) throw unknown(`a second ${key}`)
    Object.assign(this.#when, { [key]: value })
  }

  addGroup(): void {
    this.#when.gids = [...(this.#when.gids ?? []), this.wanted(group.parse)]
  }

  setMark(): void {
    this.set(this.#module === 'connmark' ? 'connmark' : 'mark', this.wanted(markBits))
  }

  useModule(): void {
    this.#module = this.plain(oneOf(MODULES))
  }

  #action(target: string): Action {
    const chain = OWN_CHAINS.find((name) => name === target)
    if (chain !== undefined) return { do: 'jump', to: chain }
    const options = new Map<string, string>()
    while (this.#words.length > 0) {
      const name = this.#next()
      options.set(name, SWITCHES.includes(name) ? '' : this.#next())
    }
    const action = actionOf(target, options, this.#family)
    if (action === undefined) throw unknown(target)
    return action
  }
}

const MODULES = ['tcp', 'udp', 'multiport', 'owner', 'mark', 'connmark', 'conntrack', 'set']
const SWITCHES = ['--save-mark', '--restore-mark']

const MATCHES: Readonly<Record<string, (to: IptablesRule) => void>> = {
  '-m': (to) => to.useModule(),
  '-s': (to) => to.set('source', to.wanted(network)),
  '-d': (to) => to.set('destination', to.wanted(network)),
  '-i': (to) => to.set('iif', to.wanted(networkInterface.parse)),
  '-o': (to) => to.set('oif', to.wanted(networkInterface.parse)),
  '-p': (to) => to.set('protocol', to.plain(oneOf(['tcp', 'udp'] as const))),
  '--sport': (to) => to.set('sport', to.plain(port.parse)),
  '--dport': (to) =>
    to.set(
      'dport',
      to.wanted((text) => [port.parse(text)]),
    ),
  '--dports': (to) =>
    to.set(
      'dport',
      to.wanted((text) =>
        text
          .split(',')
          .map(port.parse)
          .toSorted((a, b) => a - b),
      ),
    ),
  '--uid-owner': (to) => to.set('uid', to.wanted(id.parse)),
  '--gid-owner': (to) => to.addGroup(),
  '--socket-exists': (to) => to.set('socket', true),
  '--mark': (to) => to.setMark(),
  '--ctstate': (to) =>
    to.set(
      'states',
      to.plain((text) => text.split(',').toSorted()),
    ),
  '--match-set': (to) => {
    to.set(
      'set',
      to.plain((text) => text),
    )
    to.plain(oneOf(['dst']))
  },
}

function actionOf(target: string, options: ReadonlyMap<string, string>, family: IpFamily): Action | undefined {
  const only = (...names: readonly string[]): boolean => [...options.keys()].every((name) => names.includes(name))
  const text = (...names: readonly string[]): string =>
    names.map((name) => options.get(name)).find((value) => value !== undefined) ?? ''
  switch (target) {
    case 'RETURN':
    case 'ACCEPT':
    case 'DROP':
      return only() ? { do: target.toLowerCase() as 'return' | 'accept' | 'drop' } : undefined
    case 'REDIRECT':
      return only('--to-ports', '--to-port')
        ? { do: 'redirect', port: port.parse(text('--to-ports', '--to-port')) }
        : undefined
    case 'TPROXY': {
      const to = text('--on-ip')
      const { value, mask } = markBits(text('--tproxy-mark'))
      if (!only('--on-port', '--on-ip', '--tproxy-mark') || mask !== ALL_BITS || (to !== '' && to !== ANY[family]))
        return undefined
      return { do: 'tproxy', port: port.parse(text('--on-port')), mark: mark.parse(String(value)) }
    }
    case 'MARK': {
      const { value, mask } = markBits(text('--set-xmark', '--set-mark'))
      return only('--set-xmark', '--set-mark') && mask === ALL_BITS ? { do: 'mark', value } : undefined
    }
    case 'CONNMARK':
      return connmarkOf(options)
    case 'CT':
      return only('--zone') ? { do: 'zone', zone: port.parse(text('--zone')) } : undefined
    case 'SNAT':
      return only('--to-source') ? { do: 'snat', to: address.parse(text('--to-source')) } : undefined
    default:
      return undefined
  }
}

function connmarkOf(options: ReadonlyMap<string, string>): Action | undefined {
  const set = options.get('--set-xmark')
  if (set !== undefined) return options.size === 1 ? { do: 'connmark', bits: markBits(set) } : undefined
  const { '--save-mark': save, '--restore-mark': restore, ...masks } = Object.fromEntries(options)
  const whole = Object.entries(masks).every(
    ([name, value]) => (name === '--nfmask' || name === '--ctmask') && Number(value) === ALL_BITS,
  )
  if (!whole || (save === undefined) === (restore === undefined)) return undefined
  return { do: save === undefined ? 'restore-mark' : 'save-mark' }
}

function markBits(text: string): MarkBits {
  const [, value = '', mask] =
    /^(0x[0-9a-fA-F]{1,8}|[0-9]{1,10})(?:\/(0x[0-9a-fA-F]{1,8}|[0-9]{1,10}))?$/.exec(text) ?? []
  if (value === '') throw unknown(text)
  return { value: Number(value), mask: mask === undefined ? ALL_BITS : Number(mask) }
}

/** iptables-save has a length behind each address; people leave it out. */
function network(text: string): Cidr {
  return text.includes('/') ? cidr.parse(text) : hostCidr(address.parse(text))
}

function oneOf<const T extends string>(values: readonly T[]): (text: string) => T {
  return (text) => {
    const value = values.find((one) => one === text)
    if (value === undefined) throw unknown(text)
    return value
  }
}

function unknown(word: string): GrammarError {
  return new GrammarError(`has ${word}, which none of our rules has`)
}
