import type { Credentials } from '../../../edge/host/sockets.ts'

/** An address of each family to send to; null where nothing of that family is redirected. */
export type Destinations = Readonly<Record<4 | 6, string | null>>

/** What the rules of a pod promise, as far as it can be measured. */
export interface Target {
  readonly outbound: { readonly port: number; readonly to: Destinations } | null
  readonly inbound: {
    readonly port: number
    /** ports that are redirected; the first that nothing listens on is tried */
    readonly candidates: readonly number[]
    readonly exceptInterfaces: readonly string[]
  } | null
  readonly dns: { readonly port: number; readonly to: Destinations } | null
  /** TPROXY: inbound connections keep their destination */
  readonly transparent: boolean
  /** whose traffic is left alone; null: its ids cannot be known, so that cannot be measured */
  readonly proxy: Credentials | null
  /** an application */
  readonly app: Credentials
}

/** Addresses for documentation: nobody has them, and nobody takes them for something else. */
const NOBODY: Destinations = { 4: '192.0.2.1', 6: '2001:db8::1' }

/** High ports that programs rarely listen on; not in the kernel's default range for outgoing connections. */
const RARE_PORTS = [61001, 61003, 61007, 61011, 61013, 61019, 61027, 61031]

/** What Istio's rules promise when nobody changed a setting. */
export const DEFAULT_TARGET: Target = {
  outbound: { port: 15001, to: NOBODY },
  inbound: { port: 15006, candidates: RARE_PORTS, exceptInterfaces: [] },
  dns: null,
  transparent: false,
  proxy: { uid: 1337, gid: 1337 },
  app: { uid: 1000, gid: 1000 },
}
