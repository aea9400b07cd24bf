import type { ReasonRow } from './reason-row.ts'

/** Why a container of a running pod holds NET_ADMIN, and what would take it away. */
export const LEDGER_REASONS = {
  held_by_init: {
    level: 'warn',
    says: (p: { admitted: string }) =>
      `istio-init makes the rules of the pod by itself${p.admitted === '' ? '; the pod was not admitted by Sluice' : `; admitted for ${p.admitted}`}`,
    fix: 'let an agent on the node make the rules (mode cni) or leave the sidecar out (mode ambient)',
  },
  held_by_tproxy: {
    level: 'warn',
    says: () => 'the proxy keeps the source address of connections (TPROXY), which needs NET_ADMIN',
    fix: 'remove the annotation sidecar.istio.io/interceptionMode=TPROXY, or change interceptionMode of the mesh',
  },
  held_by_injection: {
    level: 'warn',
    says: (p: { how: string }) => `the injection gave it to the container (${p.how})`,
    fix: "see the injector's values (global.proxy.privileged, global.proxy.enableCoreDump) and the pod's own settings for the container",
  },
  held_by_spec: {
    level: 'warn',
    says: (p: { how: string }) => `the pod's own spec gives it to the container (${p.how}), not the mesh`,
    fix: "take it out of the container's securityContext, or ask its owner what it is for",
  },
  held_until_restart: {
    level: 'warn',
    says: (p: { mode: string }) =>
      `created again, the pod would be ${p.mode === 'none' ? 'outside the mesh' : `mode ${p.mode}`}, and the container would not hold it`,
    fix: 'restart the workload, for example by kubectl rollout restart',
  },
} as const satisfies Record<string, ReasonRow>
