import type { Findings } from './outcome.ts'
import { coded, decidedMode, reasonsOf, remedies, verdictWords } from './words.ts'

/**
 * Warnings of an admission response, one fact a line. A dry run is told everything; a real request only what needs
 * attention. The API server's limits are the concern of the response (core/admission).
 */
export function warningLines({ decision, warnings, netAdmin }: Findings, dryRun: boolean): readonly string[] {
  const attention = warnings.map((reason) => `sluice: ${coded(reason)}`)
  const told = dryRun || decision.is === 'unmeshed'
  if (!told) return attention
  return [
    `sluice: ${verdictWords(decision)}: ${coded(decision.reason)}`,
    ...decision.rejected.map(({ mode, reason }) => `sluice: not ${mode}: ${coded(reason)}`),
    ...netAdmin.map(({ container }) => `sluice: NET_ADMIN is granted to ${container}`),
    ...attention,
  ]
}

/** Audit annotations: the API server's audit log shows them as `<webhook name>/<key>`. */
export function auditAnnotations({ decision, netAdmin }: Findings): Readonly<Record<string, string>> {
  const base = { mode: decidedMode(decision), reason: decision.reason.code }
  if (netAdmin.length === 0) return base
  return { ...base, 'net-admin': netAdmin.map(({ container }) => container).join(',') }
}

/** The message of a refusal: every reason, then what to do. */
export function refusalMessage({ decision }: Findings): string {
  return [
    `sluice: ${coded(decision.reason)}`,
    ...decision.rejected.map(({ mode, reason }) => `${mode}: ${coded(reason)}`),
    ...remedies(reasonsOf(decision)).map((advice) => `to do: ${advice}`),
  ].join('; ')
}
