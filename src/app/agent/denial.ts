import { type Capability, confinement, lackOf } from '../../edge/host/confinement.ts'

/** What the self-test does takes these. */
const NEEDED: readonly Capability[] = ['NET_ADMIN', 'SYS_ADMIN', 'SETUID', 'SETGID']
const DENIED = /Operation not permitted|Permission denied|\bEPERM\b|\bEACCES\b/

/** What may and what confines the agent. */
export interface Standing {
  readonly lacking: readonly Capability[]
  readonly confinement: string | null
}

export function ownStanding(): Standing {
  return { lacking: lackOf(...NEEDED), confinement: confinement() }
}

/** Whose doing it may be that `why` speaks of something denied; null: of nothing, or of nobody that is known. */
export function causeOfDenial(why: string, standing: () => Standing): string | null {
  if (!DENIED.test(why)) return null
  const { lacking, confinement: confined } = standing()
  if (lacking.length > 0) return `the agent lacks the capabilities ${lacking.join(', ')}`
  return confined === null ? null : `the agent has the capabilities for it, but ${confined} confines it`
}
