import { objectOr, objectsOf } from '../../../core/json/value.ts'
import { POD_CONDITIONS } from '../../../core/vocabulary/names.ts'
import { type Reason, sentence } from '../../../core/vocabulary/reasons.ts'
import type { ClusterClient } from '../../../edge/cluster/client.ts'
import { type Loop, periodic } from '../loop.ts'
import type { NodePod, NodePods } from '../node-pods.ts'

export interface OwnConditionOptions {
  readonly pods: Pick<NodePods, 'all'>
  /** the agent's own pod */
  readonly self: { readonly namespace: string; readonly name: string }
  readonly client: Pick<ClusterClient, 'patch'>
  /** what the node can do, `ambient_ready` or what is missing, and what else a person should know */
  readonly ability: () => { readonly reason: Reason; readonly warnings: readonly Reason[] }
  readonly report: (error: unknown) => void
}

const EVERY_MS = 5_000
const LONGEST_MESSAGE = 1_000

/** Tells in its time, and now where that is asked for. */
export interface OwnCondition {
  readonly loop: Loop
  /** rejects where the API server cannot be told */
  readonly tell: () => Promise<void>
}

/**
 * Says in the status of the agent's own pod whether its node can do ambient: what the leader makes the node's label from. Written
 * where the pod says something else, so that nobody else's word stays.
 */
export function ownCondition({ pods, self, client, ability, report }: OwnConditionOptions): OwnCondition {
  const tell = async (): Promise<void> => {
    const own = pods.all().find(({ namespace, name }) => namespace === self.namespace && name === self.name)
    if (own === undefined) return
    const { reason, warnings } = ability()
    const said = conditionIn(own)
    const status = reason.code === 'ambient_ready' ? 'True' : reason.code === 'ambient_starting' ? 'Unknown' : 'False'
    const message = [reason, ...warnings].map(sentence).join('; ').slice(0, LONGEST_MESSAGE)
    if (said['status'] === status && said['reason'] === reason.code && said['message'] === message) return
    const lastTransitionTime =
      said['status'] === status ? said['lastTransitionTime'] : `${new Date().toISOString().slice(0, 19)}Z`
    const condition = { type: POD_CONDITIONS.ambient, status, reason: reason.code, message, lastTransitionTime }
    const target = { resource: { group: '', version: 'v1', plural: 'pods' }, ...self, subresource: 'status' }
    await client.patch(target, 'strategic', { metadata: { uid: own.uid }, status: { conditions: [condition] } })
  }
  return { tell, loop: periodic({ name: 'ambient-condition', everyMs: EVERY_MS, turn: tell, report }) }
}

function conditionIn({ object }: NodePod): ReturnType<typeof objectOr> {
  const conditions = objectsOf(objectOr(object['status'])['conditions'])
  return objectOr(conditions.find(({ type }) => type === POD_CONDITIONS.ambient))
}
