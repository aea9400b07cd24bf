import type { ReasonRow } from './reason-row.ts'

/** What was measured, in words: `outbound IPv4 traffic (192.0.2.1)`. */
interface Measured {
  readonly what: string
}

/** Reasons of what was measured about a pod's redirection (promise 3: measured, not claimed). */
export const MEASUREMENT_REASONS = {
  redirection_seen: {
    level: 'meshed',
    says: (p: Measured & { port: number }) => `${p.what} arrives at the proxy's port ${p.port}`,
    fix: null,
  },
  redirection_restored: {
    level: 'warn',
    says: () => "the pod's rules did not hold; they were made again in the running pod and hold now",
    fix: 'if this happens again, look for other software that changes rules in pods; connections opened meanwhile may bypass the proxy',
  },
  proxy_traffic_passes: {
    level: 'meshed',
    says: (p: Measured) => `${p.what} is left alone, so that the proxy does not talk to itself`,
    fix: null,
  },
  redirection_bypassed: {
    level: 'alarm',
    says: (p: Measured & { port: number; instead: string }) =>
      `${p.what} does not arrive at the proxy's port ${p.port}: ${p.instead}`,
    fix: 'restart the pod, so that its rules are made again; look for other software that changes rules in pods',
  },
  proxy_traffic_loops: {
    level: 'alarm',
    says: (p: Measured & { instead: string }) => `${p.what} is redirected back to the proxy: ${p.instead}`,
    fix: 'the proxy must run as the user or group that the rules leave alone; compare runAsUser and runAsGroup with the annotation sluice-mesh.io/intent',
  },
  redirection_unknown: {
    level: 'alarm',
    says: (p: Measured & { why: string }) => `it cannot be determined whether ${p.what} is redirected: ${p.why}`,
    fix: 'measure from the node itself; a network policy that keeps the node from the pod also hides the answer',
  },
  namespace_not_entered: {
    level: 'alarm',
    says: (p: { path: string; why: string }) => `the network namespace ${p.path} cannot be entered: ${p.why}`,
    fix: 'name the namespace of a running pod (its sandbox keeps it in /var/run/netns), and measure as root',
  },
  nothing_promised: {
    level: 'alarm',
    says: () =>
      'none of the traffic that this pod redirects can be measured, since its author left the rest alone, so nothing shows whether its rules hold',
    fix: 'take a port, an address range or an interface out of the exclusions of the pod, or leave the pod out of the mesh',
  },
  proxy_not_listening: {
    level: 'alarm',
    says: (p: Measured & { port: number }) => `nobody listens on the proxy's port ${p.port}, to which ${p.what} leads`,
    fix: 'look at the state and the log of the container istio-proxy; its traffic fails until it listens',
  },
  rules_missing: {
    level: 'alarm',
    says: (p: { rules: string }) => `rules that should be there are not: ${p.rules}`,
    fix: 'restart the pod, so that its rules are made again; look for other software that changes rules in pods',
  },
} as const satisfies Record<string, ReasonRow>
