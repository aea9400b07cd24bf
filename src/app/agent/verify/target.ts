import type { Sender } from '../../../edge/host/sockets.ts'

/** An address of each family to send to; null where nothing of that family is redirected. */
export type Destinations = Readonly<Record<4 | 6, string | null>>

/** What the rules of a pod promise, as far as it can be measured. */
export interface Target {
  /** `leadsTo`: the proxy's port; `port`: one that is redirected */
  readonly outbound: { readonly leadsTo: number; readonly to: Destinations; readonly port: number } | null
  readonly inbound: {
    readonly leadsTo: number
    /** ports that are redirected; the first that nothing listens on is tried */
    readonly candidates: readonly number[]
  } | null
  readonly dns: { readonly leadsTo: number; readonly to: Destinations } | null
  /** what comes in or leaves by these is left alone */
  readonly exceptInterfaces: readonly string[]
  /** TPROXY: inbound connections keep their destination */
  readonly transparent: boolean
  /** whose traffic is left alone; null: its ids cannot be known, so that cannot be measured */
  readonly proxy: Sender | null
  /** an application */
  readonly app: Sender
}

/** Addresses for documentation: nobody has them, and nobody takes them for something else. */
export const NOBODY: Destinations = { 4: '192.0.2.1', 6: '2001:db8::1' }

/** High ports that programs rarely listen on; not in the kernel's default range for outgoing connections. */
export const RARE_PORTS: readonly number[] = [61001, 61003, 61007, 61011, 61013, 61019, 61027, 61031]
