import type { IpFamily } from '../intent/address.ts'
import type { Intent, SidecarIntent } from '../intent/intent.ts'
import { AMBIENT_MARKS } from '../vocabulary/ports.ts'
import { ALL_BITS } from './model.ts'

/** What rules need beside them; adding what is there already changes nothing (quirk 30). */
export type NetworkItem =
  | { readonly kind: 'address'; readonly address: string; readonly prefix: number; readonly device: string }
  | {
      readonly kind: 'rule'
      readonly family: IpFamily
      readonly mark: number
      readonly mask: number
      readonly table: number
      /** null: where the kernel puts it */
      readonly priority: number | null
    }
  /** every address is local: what comes here is given to this namespace's sockets */
  | { readonly kind: 'local-route'; readonly family: IpFamily; readonly device: string; readonly table: number }

/** The addresses, rules and routes that the rules of `intent` need (cni.md §4.7, §5.10). */
export function networkOf(intent: Intent, families: readonly IpFamily[]): readonly NetworkItem[] {
  switch (intent.kind) {
    case 'sidecar':
      return [
        ...(families.includes(6) ? [PROXY_ADDRESS] : []),
        // without inbound ports nothing is marked
        ...(intent.interception === 'TPROXY' && intent.inboundPorts.length > 0 ? tproxyRouting(intent, families) : []),
      ]
    case 'ambient':
      return families.flatMap((family) =>
        routing(family, AMBIENT_MARKS.answered, AMBIENT_MARKS.table, AMBIENT_MARKS.preference),
      )
    case 'none':
      return []
  }
}

/** From it the proxy calls the application; 127.0.0.6 is there by itself. */
const PROXY_ADDRESS: NetworkItem = { kind: 'address', address: '::6', prefix: 128, device: 'lo' }

function tproxyRouting(
  { tproxyMark, tproxyTable }: SidecarIntent,
  families: readonly IpFamily[],
): readonly NetworkItem[] {
  return families.flatMap((family) => routing(family, { value: tproxyMark, mask: ALL_BITS }, tproxyTable, null))
}

/** Packets with the mark stay here, whatever their destination. */
function routing(
  family: IpFamily,
  mark: { readonly value: number; readonly mask: number },
  table: number,
  priority: number | null,
): readonly NetworkItem[] {
  return [
    { kind: 'rule', family, mark: mark.value, mask: mark.mask, table, priority },
    { kind: 'local-route', family, device: 'lo', table },
  ]
}

/** `item` as the `ip` command that has the same effect. */
export function ipCommand(item: NetworkItem): string {
  return commandOf(item, item.kind === 'local-route' ? 'replace' : 'add')
}

/** The command that takes `item` away. */
export function ipRetraction(item: NetworkItem): string {
  return commandOf(item, 'del')
}

function commandOf(item: NetworkItem, verb: 'add' | 'replace' | 'del'): string {
  switch (item.kind) {
    case 'address':
      return `ip -6 addr ${verb} ${item.address}/${item.prefix} dev ${item.device}`
    case 'rule': {
      const bits =
        item.mask === ALL_BITS ? String(item.mark) : `0x${item.mark.toString(16)}/0x${item.mask.toString(16)}`
      const preference = item.priority === null ? '' : `pref ${item.priority} `
      return `ip -${item.family} rule ${verb} ${preference}fwmark ${bits} lookup ${item.table}`
    }
    case 'local-route': {
      const everything = item.family === 4 ? '0.0.0.0/0' : '::/0'
      return `ip -${item.family} route ${verb} local ${everything} dev ${item.device} scope host table ${item.table}`
    }
  }
}
