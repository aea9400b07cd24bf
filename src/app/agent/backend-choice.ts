import type { Reason } from '../../core/vocabulary/reasons.ts'
import type { BackendAbility, MissingFeature, NodeAbilities } from '../../edge/host/abilities.ts'
import type { Backend } from '../../edge/host/apply.ts'

/** The backend that rules are made with, and why this one; or why there is none. */
export type Picked =
  | { readonly is: 'picked'; readonly backend: Backend; readonly because: string }
  | { readonly is: 'none'; readonly reason: Reason }

/** How far a backend came: its rules cannot be made, they are made and traffic does not follow, or nobody could see whether it does. */
export type Unfit = { readonly is: 'absent' | 'bypassed' | 'unproven'; readonly why: string }

export interface ChoiceOptions {
  /** null: the first that is fit */
  readonly forced: Backend | null
  /** is it no backend without this feature? */
  readonly needed: (feature: MissingFeature) => boolean
  /** sends traffic through rules of a backend that can make them all; null: it follows them */
  readonly trial: (backend: Backend) => Promise<Unfit | null>
  /** whose doing it may be that something was denied, where `why` says so */
  readonly cause: (why: string) => string | null
}

/** The backend to use: the one that is forced, else the first, in order of speed, that lacks nothing and whose traffic was seen. */
export async function pickBackend(
  { backends }: NodeAbilities,
  { forced, needed, trial, cause }: ChoiceOptions,
): Promise<Picked> {
  const unfit: (Unfit & { readonly backend: Backend })[] = []
  for (const ability of backends.filter(({ backend }) => forced === null || backend === forced)) {
    const { backend } = ability
    const lack = lackOf(ability, needed)
    const found = lack === null ? await trial(backend) : ({ is: 'absent', why: lack } as const)
    if (found !== null) unfit.push({ backend, ...found })
    else if (forced !== null) return { is: 'picked', backend, because: 'it is forced' }
    else return { is: 'picked', backend, because: unfit.length === 0 ? 'it is the fastest' : inWords(unfit) }
  }
  return { is: 'none', reason: reasonOf(unfit, cause) }
}

/** The worst that was seen names it: rules without effect are another fault than rules that cannot be made. */
function reasonOf(unfit: readonly (Unfit & { readonly backend: Backend })[], cause: ChoiceOptions['cause']): Reason {
  const found = inWords(unfit)
  const args = { why: [found, cause(found) ?? []].flat().join('; ') }
  if (unfit.some(({ is }) => is === 'bypassed')) return { code: 'backend_bypassed', args }
  if (unfit.some(({ is }) => is === 'unproven')) return { code: 'backend_unproven', args }
  return { code: 'backend_absent', args }
}

function inWords(unfit: readonly (Unfit & { readonly backend: Backend })[]): string {
  return unfit.map(({ backend, why }) => `${backend}: ${why}`).join('; ')
}

function lackOf(ability: BackendAbility, needed: (feature: MissingFeature) => boolean): string | null {
  if (ability.is === 'unusable') return ability.why
  const missing = ability.missing.filter(needed)
  if (missing.length === 0) return null
  return missing
    .map(({ feature, family, module }) => `IPv${family} ${feature} needs the kernel module ${module}`)
    .join(', ')
}
