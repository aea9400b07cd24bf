import { templateProblems } from '../../core/injection/templates/user-templates.ts'
import { differingKeys, type GuardParameter } from '../../core/registration/guard-keys.ts'
import type { MeshSettings } from '../../core/settings/mesh-settings.ts'
import type { Reason } from '../../core/vocabulary/reasons.ts'
import type { FactSource } from './snapshot.ts'

/** How many seconds old facts may be until a policy says otherwise. */
const UNKNOWN_MAX_STALE = 1800

/** What is wrong with the facts that decisions rest on. It holds for every replica alike, so it makes none unready. */
export function factAlarms(source: FactSource): readonly Reason[] {
  const current = source.current()
  if (current.is !== 'snapshot') {
    if (current.is === 'not_synced') return []
    return [{ code: 'configuration_missing', args: { problem: current.why } }, ...staleness(source, UNKNOWN_MAX_STALE)]
  }
  return [
    ...problemsOf(source, current.snapshot.settings),
    ...guardAstray(current.snapshot.guard),
    ...staleness(source, current.snapshot.policy.maxStaleSeconds),
  ]
}

function problemsOf(source: FactSource, settings: MeshSettings): readonly Reason[] {
  const unusable = [...source.problems()].map(([configuration, problem]): Reason => ({
    code: 'configuration_unusable',
    args: { configuration, problem },
  }))
  return [...unusable, ...unusableTemplates(settings)]
}

/** Other pods go on: such a template refuses those that ask for it. */
export function unusableTemplates({ injector }: MeshSettings): readonly Reason[] {
  return templateProblems(injector).map((args) => ({ code: 'template_unusable', args }))
}

/** Where no key is there, nobody has told the guard anything yet: it says so itself, to whom it refuses. */
function guardAstray(guard: GuardParameter): readonly Reason[] {
  if (Object.keys(guard.found ?? {}).length === 0) return []
  const keys = differingKeys(guard)
  return keys.length === 0 ? [] : [{ code: 'guard_keys_differ', args: { keys: keys.join(', ') } }]
}

function staleness(source: FactSource, maxSeconds: number): readonly Reason[] {
  const age = source.ageSeconds()
  return age > maxSeconds ? [{ code: 'facts_stale', args: { seconds: Math.ceil(age), maxSeconds } }] : []
}
