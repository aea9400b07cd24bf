import type { JsonObject } from '../json/value.ts'
import type { Draft, Injection, InjectionContext } from './draft.ts'
import { InjectionRefusal } from './refusal.ts'
import { STEPS } from './steps.ts'

/**
 * The pod as `context.mode` makes it, without Sluice's answer annotations: those are written last, when the mode is
 * decided. Gives a refusal with its reason where the pod cannot be injected; throws only on a bug.
 */
export function inject(pod: JsonObject, context: InjectionContext): Injection {
  const start: Draft = { original: pod, pod, said: {}, proxyConfig: {}, native: context.nativeSidecars, warnings: [] }
  try {
    const done = STEPS.reduce((draft, step) => step.apply(draft, context), start)
    return { is: 'injected', pod: done.pod, warnings: done.warnings }
  } catch (error) {
    if (error instanceof InjectionRefusal) return { is: 'refused', reason: error.reason }
    throw error
  }
}
