import type { Family } from './addresses.ts'
import { type InterfaceAddress, interfaceAddresses } from './interface-addresses.ts'
import { type Listener, listeners, type Over } from './socket-table.ts'

/** What is in a network namespace at one moment. */
export interface Survey {
  readonly addresses: readonly InterfaceAddress[]
  readonly listeners: Readonly<Record<Over, readonly Listener[]>>
}

/** Looks at the calling thread's namespace. */
export function survey(): Survey {
  return { addresses: interfaceAddresses(), listeners: { tcp: listeners('tcp'), udp: listeners('udp') } }
}

/** Does somebody listen (for UDP: receive) on `port` of `family`, at whatever address? */
export function isListening({ listeners }: Survey, over: Over, family: Family, port: number): boolean {
  return listeners[over].some((one) => one.port === port && one.families.includes(family))
}
