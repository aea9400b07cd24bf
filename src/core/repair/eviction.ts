import { IGNORED_NAMESPACES } from '../decision/eligibility.ts'
import { annotationsOf, hasEnded, specOf } from '../json/pod.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../json/value.ts'
import { KUBERNETES_NAMES, POD_CONDITIONS } from '../vocabulary/names.ts'
import { REASONS } from '../vocabulary/reasons.ts'

/** A pod whose node asks for its eviction. */
export interface EvictionAsk {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly node: string
  /** the reason code that the agent gave; `unknown` where it is none of ours */
  readonly asked: string
  readonly controllerKind: string | undefined
  readonly restartPolicy: string
  readonly hostNetwork: boolean
  readonly isMirror: boolean
}

/**
 * What a pod asks for; undefined where nobody asks for anything, or where the pod is on its way out anyway. One that has ended
 * (`restartPolicy: Never`) is for its controller: a Job has counted it and made another, and of others only its log is left, which
 * nobody takes away. Its owner hears of it by an event.
 */
export function projectEvictionAsk(pod: JsonObject): EvictionAsk | undefined {
  const metadata = objectOr(pod['metadata'])
  const spec = specOf(pod)
  const status = objectOr(pod['status'])
  const asked = objectsOf(status['conditions']).find(({ type }) => type === POD_CONDITIONS.evict)
  if (asked?.['status'] !== 'True' || metadata['deletionTimestamp'] !== undefined) return undefined
  if (hasEnded(pod)) return undefined
  const code = stringOr(asked['reason']) ?? ''
  return {
    namespace: stringOr(metadata['namespace']) ?? '',
    name: stringOr(metadata['name']) ?? '',
    uid: stringOr(metadata['uid']) ?? '',
    node: stringOr(spec['nodeName']) ?? '',
    asked: Object.hasOwn(REASONS, code) ? code : 'unknown',
    controllerKind: stringOr(
      objectsOf(metadata['ownerReferences']).find((owner) => owner['controller'] === true)?.['kind'],
    ),
    restartPolicy: stringOr(spec['restartPolicy']) ?? '',
    hostNetwork: spec['hostNetwork'] === true,
    isMirror: Object.hasOwn(annotationsOf(pod), KUBERNETES_NAMES.mirrorPod),
  }
}

/** The name of the event that tells of the eviction, unlike that of whatever was measured. */
export function evictionEventName({ uid }: Pick<EvictionAsk, 'uid'>): string {
  return `sluice-evicted-${uid}`
}

/** Who may ask, and for what. */
export interface EvictionRules {
  readonly allowed: boolean
  /** where Sluice itself runs */
  readonly ownNamespaces: readonly string[]
  /** nodes with an agent that is believed */
  readonly nodes: ReadonlySet<string>
}

/** Why the pod is not evicted, as the end of a sentence; undefined where it may be. What nobody makes anew is never evicted. */
export function evictionRefusal(
  ask: EvictionAsk,
  { allowed, ownNamespaces, nodes }: EvictionRules,
): string | undefined {
  if (!allowed) return 'policy.repair.evict is false'
  if (IGNORED_NAMESPACES.some((name) => name === ask.namespace)) return 'its namespace is never meshed'
  if (ownNamespaces.includes(ask.namespace)) return 'Sluice itself runs in its namespace'
  if (ask.hostNetwork) return 'it uses the node network, which is never redirected'
  if (ask.isMirror) return 'it is a mirror pod, which its kubelet made from a file'
  if (ask.controllerKind === undefined) return 'no controller would make another one'
  if (ask.restartPolicy === 'Never' && ask.controllerKind !== 'Job')
    return 'it runs once (restartPolicy Never), and no Job would run it again'
  if (!nodes.has(ask.node)) return `no agent of node ${ask.node} is there to ask for it`
  return undefined
}
