import { type Address, familyOf, type IpFamily, parseAddress } from '../intent/address.ts'
import { PROBE_SETS } from '../vocabulary/ports.ts'
import { nftTable } from './nftables.ts'

/**
 * The sets of the host's namespace that say whose probes get a source of their own (cni.md §5.9): each address with the uid of
 * the pod that has it now. An address goes from pod to pod, so whoever takes it out must say whose it is.
 */
export type ProbeMembers = ReadonlyMap<Address, string>

/** What makes the sets as they should be. */
export interface ProbeChanges {
  /** addresses that are not there, or there as another pod's */
  readonly put: ProbeMembers
  readonly drop: ProbeMembers
}

const SETS: Readonly<Record<IpFamily, string>> = { 4: PROBE_SETS.v4, 6: PROBE_SETS.v6 }
const TABLE = nftTable('ambient', 'nat')
/** It is written into nft's text; Kubernetes makes UUIDs, and the kubelet hashes for pods of its own files. */
const UID = /^[0-9A-Za-z-]{1,64}$/

/**
 * What brings `there` to `want`. Only where `complete`, so that nothing is missing in `want` because it is not known yet, does
 * what is not wanted go (users.md 3).
 */
export function probeChanges(there: ProbeMembers, want: ProbeMembers, complete: boolean): ProbeChanges {
  const put = [...want].filter(([address, uid]) => there.get(address) !== uid)
  const drop = complete ? [...there].filter(([address]) => !want.has(address)) : []
  return { put: new Map(put), drop: new Map(drop) }
}

/**
 * `changes` as one transaction. Adding an address that is there keeps the comment that it has (quirk 38), so another pod's goes
 * first. Throws a RangeError for a uid that is none: it is never written.
 */
export function probeSetText(there: ProbeMembers, { put, drop }: ProbeChanges): string {
  const stale = [...put.keys()].filter((address) => there.has(address))
  const lines = [
    ...[...drop.keys(), ...stale].map((address) => `delete element ${setOf(address)} { ${address} }`),
    ...[...put].map(([address, uid]) => `add element ${setOf(address)} { ${address} comment "${checked(uid)}" }`),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

/**
 * Puts `members` in as one transaction, whatever is there: nothing need be listed for it. Adding first makes deleting right also
 * where the address is new, and deleting makes the comment the one of the last line. No packet sees the steps. Throws as above.
 */
export function probePutText(members: ProbeMembers): string {
  const lines = [...members].flatMap(([address, uid]) => {
    const add = `add element ${setOf(address)} { ${address} comment "${checked(uid)}" }`
    return [add, `delete element ${setOf(address)} { ${address} }`, add]
  })
  return lines.map((line) => `${line}\n`).join('')
}

/** Who is in the sets, by what nft lists; an element without a comment is nobody's: the empty uid. */
export function probeMembers(listing: string): ProbeMembers {
  const table = sectionOf(listing, `table ${TABLE} {`)
  const members = Object.values(SETS).flatMap((name) => {
    const [, elements = ''] = /elements = \{([^}]*)\}/.exec(sectionOf(table, `set ${name} {`)) ?? []
    return elements.split(',').flatMap((element): readonly (readonly [Address, string])[] => {
      const [, text = '', uid = ''] = /^\s*(\S+)(?:.*comment "([^"]*)")?/s.exec(element) ?? []
      const address = parseAddress(text)
      return address === null ? [] : [[address, uid]]
    })
  })
  return new Map(members)
}

/** What takes rules and sets of the probe path away that nft lists; empty where there are none. */
export function probePathRemoval(listing: string): string {
  return sectionOf(listing, `table ${TABLE} {`) === '' ? '' : `delete table ${TABLE}\n`
}

/** From the line `head` to the brace that closes it. */
function sectionOf(listing: string, head: string): string {
  const lines = listing.split('\n')
  const start = lines.findIndex((line) => line.trim() === head)
  if (start < 0) return ''
  const indent = /^\s*/.exec(lines[start] ?? '')?.[0] ?? ''
  const end = lines.findIndex((line, index) => index > start && line === `${indent}}`)
  return lines.slice(start, end < 0 ? undefined : end).join('\n')
}

function setOf(address: Address): string {
  return `${TABLE} ${SETS[familyOf(address)]}`
}

function checked(uid: string): string {
  if (!UID.test(uid)) throw new RangeError(`not the uid of a pod: ${JSON.stringify(uid)}`)
  return uid
}
