import { decide } from '../../../src/core/decision/decide.ts'
import type { Decision } from '../../../src/core/decision/decision.ts'
import type { Given } from './facts-fixture.ts'
import { factsOf, rehearsed } from './facts-fixture.ts'

export const SIDECAR_NS = { 'istio-injection': 'enabled' }
export const AMBIENT_NS = { 'istio.io/dataplane-mode': 'ambient' }
export const RESTRICTED = { 'pod-security.kubernetes.io/enforce': 'restricted' }
export const LABELS_WIN = { contradiction: 'labels' } as const
export const APP_X = { matchLabels: { app: 'x' } }
export const LEGACY_ALLOWED = {
  namespaceSelector: [{ key: 'team', operator: 'In', values: ['legacy'] }],
  permission: 'allow',
} as const
export const inject = (value: string): Record<string, string> => ({ 'sidecar.istio.io/inject': value })
export const wish = (mode: string): Record<string, string> => ({ 'sluice-mesh.io/mode': mode })
export const NOTHING_INSTALLED = { installed: { agent: false, ztunnel: false } }

function decided(given: Given): Decision {
  const facts = factsOf(given)
  return decide(facts, (mode) => rehearsed(facts, mode))
}

/** `mode reason | mode:why mode:why | warnings`, or what else became of the pod */
export function inShort(given: Given): string {
  const decision = decided(given)
  const head = decision.is === 'meshed' ? decision.mode : decision.is
  const rejected = decision.rejected.map(({ mode, reason }) => `${mode}:${reason.code}`)
  const warnings = decision.warnings.map(({ code }) => `!${code}`)
  return [head, decision.reason.code, ...rejected, ...warnings].join(' ')
}
