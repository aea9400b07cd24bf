import { goBoolean, trimmed } from '../vocabulary/grammars.ts'
import { type Address, type Cidr, familyOf, parseAddress, parseCidr } from './address.ts'

/**
 * The words that rules are made of. Values come from the authors of pods and end in text for `iptables-restore` and `nft`, so
 * each is read by a closed grammar, once, before a rule exists (cni.md §11, quirks 23 and 24).
 */
declare const checked: unique symbol

/** A port, 0 to 65535. */
export type Port = number & { readonly [checked]: 'port' }
/** A user or group id. */
export type Id = number & { readonly [checked]: 'id' }
/** A name of a group: known only where an `/etc/group` lists it. */
export type GroupName = string & { readonly [checked]: 'group' }
export type Group = Id | GroupName
/** A packet mark, never 0: that is every packet's. */
export type Mark = number & { readonly [checked]: 'mark' }
/** A routing table, none of the kernel's own. */
export type RouteTable = number & { readonly [checked]: 'table' }
/** The name of a network interface. */
export type Interface = string & { readonly [checked]: 'interface' }

/** How a value is read and written; `parse` throws a GrammarError, `parse(print(v))` is `v`. */
export interface Grammar<T> {
  readonly parse: (text: string) => T
  readonly print: (value: T) => string
}

/** What is wrong with a text, to be said after the name of the field. */
export class GrammarError extends Error {}

/** Of long texts only the beginning is repeated in a message, with what is not printable ASCII escaped. */
export function quoted(text: string): string {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text
  return JSON.stringify(shown).replace(
    /[^\x20-\x7e\u2026]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** A list longer than this is a mistake or an attack: each item becomes rules that every packet passes. */
export const LIST_LIMIT = 1024

const MAX_PORT = 0xffff
const MAX_U32 = 0xffffffff
const NAME_LENGTH = 15
/** unspec, default, main, local: a route there would redirect what no mark asked for */
const KERNEL_TABLES = [0, 253, 254, 255]

function number<T extends number>(pattern: RegExp, fits: (value: number) => boolean, what: string): Grammar<T> {
  return {
    parse: (text) => {
      const value = pattern.test(text) ? Number(text) : NaN
      if (!fits(value)) throw new GrammarError(`has ${quoted(text)}, which is no ${what}`)
      return value as T
    },
    print: String,
  }
}

const DECIMAL = /^[0-9]{1,10}$/

export const port = number<Port>(DECIMAL, (n) => n <= MAX_PORT, 'port (0 to 65535)')
/** the last number is the kernel's "no id" */
export const id = number<Id>(DECIMAL, (n) => n < MAX_U32, 'user or group id')
export const mark = number<Mark>(/^(0x[0-9a-fA-F]{1,8}|[0-9]{1,10})$/, (n) => n > 0 && n <= MAX_U32, 'packet mark')
export const routeTable = number<RouteTable>(
  DECIMAL,
  (n) => n <= MAX_U32 && !KERNEL_TABLES.includes(n),
  'routing table of its own (not 0, 253, 254 or 255)',
)

function word<T extends string>(read: (text: string) => string | null, what: string): Grammar<T> {
  return {
    parse: (text) => {
      const value = read(text)
      if (value === null) throw new GrammarError(`has ${quoted(text)}, which is no ${what}`)
      return value as T
    },
    print: (value) => value,
  }
}

export const address = word<Address>(parseAddress, 'IP address')
export const cidr = word<Cidr>(parseCidr, 'CIDR such as 10.0.0.0/8')
export const cidr4 = word<Cidr>((text) => {
  const value = parseCidr(text)
  return value !== null && familyOf(value) === 4 ? value : null
}, 'IPv4 CIDR such as 127.0.0.1/32')
export const networkInterface = word<Interface>(
  (text) => (text.length <= NAME_LENGTH && /^[a-zA-Z][a-zA-Z0-9_.-]*$/.test(text) ? text : null),
  `interface name (1 to ${NAME_LENGTH} of a-z A-Z 0-9 _ . -, a letter first)`,
)
const groupName = word<GroupName>((text) => (/^[a-zA-Z_][a-zA-Z0-9_-]{0,31}$/.test(text) ? text : null), 'group')

export const group: Grammar<Group> = {
  parse: (text) => (/^[0-9]/.test(text) ? id.parse(text) : groupName.parse(text)),
  print: String,
}

/** One of `values`, exactly. */
export function oneOf<const T extends string>(...values: readonly T[]): Grammar<T> {
  return word<T>((text) => values.find((value) => value === text) ?? null, `one of ${values.join(', ')}`)
}

export const flag: Grammar<boolean> = {
  parse: (text) => {
    const value = goBoolean(text)
    if (value === undefined) throw new GrammarError(`has ${quoted(text)}, which is neither true nor false`)
    return value
  },
  print: String,
}

/** What a list does with `80,,443,`: annotations refuse it, Istio's command-line tool leaves the gaps out. */
export type Gaps = 'refused' | 'dropped'

/** Items joined by commas; an empty text is an empty list. `spaces`: those around items are no part of them. */
export function list<T>(item: Grammar<T>, gaps: Gaps, spaces: 'refused' | 'trimmed'): Grammar<readonly T[]> {
  return {
    parse: (text) => {
      const parts = text.split(',', LIST_LIMIT + 1).map((part) => (spaces === 'trimmed' ? trimmed(part) : part))
      if (parts.length > LIST_LIMIT) throw new GrammarError(`has more than ${LIST_LIMIT} items`)
      const items = text === '' || gaps === 'dropped' ? parts.filter((part) => part !== '') : parts
      return items.map((part) => item.parse(part))
    },
    print: (value) => value.map((each) => item.print(each)).join(','),
  }
}

/** `*` for everything, or a list. */
export function wildcardOr<T>(items: Grammar<readonly T[]>): Grammar<'*' | readonly T[]> {
  return {
    parse: (text) => (text === '*' ? '*' : items.parse(text)),
    print: (value) => (value === '*' ? '*' : items.print(value)),
  }
}

/** `inner`, with at most `limit` items. */
export function atMost<T>(limit: number, inner: Grammar<'*' | readonly T[]>): Grammar<'*' | readonly T[]> {
  return {
    parse: (text) => {
      const value = inner.parse(text)
      if (value !== '*' && value.length > limit) throw new GrammarError(`has more than ${limit} items`)
      return value
    },
    print: inner.print,
  }
}
