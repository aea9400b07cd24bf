import type { AgentPod } from './agent-pod.ts'

/** What the agent of a node can do; where it cannot, since when, as far as the pods tell. */
export interface Ability {
  readonly able: boolean
  readonly unableSinceMs: number | undefined
}

export interface NodeAbility {
  readonly cni: Ability
  readonly ambient: Ability
}

/** What a node can do by the believed agent pods that run on it: several while one takes the place of another. */
export function abilityOf(pods: readonly AgentPod[]): NodeAbility {
  return {
    cni: joined(pods, ({ ready }) => [ready]),
    // a condition that nobody keeps any more says nothing
    ambient: joined(pods, ({ ready, ambient }) => [ready, ambient]),
  }
}

function joined(pods: readonly AgentPod[], needs: (pod: AgentPod) => readonly AgentPod['ready'][]): Ability {
  const abilities = pods.map((pod): Ability => {
    const missing = needs(pod).filter(({ isTrue }) => !isTrue)
    // the first need that failed ended the ability
    return {
      able: missing.length === 0,
      unableSinceMs: extreme(
        Math.min,
        missing.map(({ sinceMs }) => sinceMs),
      ),
    }
  })
  if (abilities.some(({ able }) => able)) return { able: true, unableSinceMs: undefined }
  return {
    able: false,
    unableSinceMs: extreme(
      Math.max,
      abilities.map(({ unableSinceMs }) => unableSinceMs),
    ),
  }
}

function extreme(pick: (...times: number[]) => number, times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? undefined : pick(...known)
}
