import { networkInterfaces } from 'node:os'
import type { Family } from './addresses.ts'
import { type Listener, listeners, type Over } from './socket-table.ts'

/** An address that an interface has; interfaces that are down are not listed. */
export interface InterfaceAddress {
  readonly device: string
  readonly address: string
  /** of the loopback interface */
  readonly internal: boolean
}

/** What is in a network namespace at one moment. */
export interface Survey {
  readonly addresses: readonly InterfaceAddress[]
  readonly listeners: Readonly<Record<Over, readonly Listener[]>>
}

/** Looks at the calling thread's namespace. */
export function survey(): Survey {
  const addresses = Object.entries(networkInterfaces()).flatMap(([device, found]) =>
    (found ?? []).map(({ address, internal }) => ({ device, address, internal })),
  )
  return { addresses, listeners: { tcp: listeners('tcp'), udp: listeners('udp') } }
}

/** Does somebody listen (for UDP: receive) on `port` of `family`, at whatever address? */
export function isListening({ listeners }: Survey, over: Over, family: Family, port: number): boolean {
  return listeners[over].some((one) => one.port === port && one.families.includes(family))
}
