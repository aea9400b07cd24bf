import { specOf } from '../json/pod.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../json/value.ts'
import { conditionOf } from '../nodes/agent-pod.ts'
import { nodeAgents } from './node-agents.ts'

/** How another agent leaves node by node, and comes back: the steps of docs/migration.md for this cluster. */
export interface NodeMoves {
  /** nodes of the other agent where none of Sluice's is ready: nothing moves before they are */
  readonly waiting: readonly string[]
  /** the DaemonSet is kept off moved nodes; none where that is done. `null`: it cannot be said as a command */
  readonly prepare: readonly string[] | null
  /** one command for each node, to be followed by a look */
  readonly go: readonly string[]
  readonly back: readonly string[]
}

const MOVED = 'sluice-mesh.io/moved'
const KEEPS_OFF = { key: MOVED, operator: 'DoesNotExist' }
const TERMS = 'requiredDuringSchedulingIgnoredDuringExecution'

/** What single quotes keep from a shell. */
const QUOTABLE = /^[^'\p{Cc}]*$/u

/** The moves that are left, and the way back of those that are done; undefined where there is no `daemonSet` of another agent. */
export function nodeMoves(
  daemonSet: JsonObject | undefined,
  others: readonly JsonObject[],
  own: readonly JsonObject[],
): NodeMoves | undefined {
  if (daemonSet === undefined) return undefined
  const able = own.filter((pod) => conditionOf(pod, 'Ready').isTrue)
  const nodes = nodeAgents(others, able)
  const who = (agents: (typeof nodes)[number]['agents']): readonly string[] =>
    nodes.filter((one) => one.agents === agents).map(({ node }) => node)
  const [waiting, both, alone] = [who('other'), who('both'), who('sluice')]
  const prepare = prepared(daemonSet)
  return {
    waiting,
    // its pods are replaced by it, which is no gap only where Sluice is there already
    prepare: waiting.length === 0 ? prepare : [],
    go: both.map((node) => `kubectl label node ${node} ${MOVED}=true`),
    back: prepare?.length === 0 ? alone.map((node) => `kubectl label node ${node} ${MOVED}-`) : [],
  }
}

/** The terms that it has stay, each with one condition more: a merge replaces the whole list. */
function prepared(daemonSet: JsonObject): readonly string[] | null {
  const pod = specOf(objectOr(specOf(daemonSet)['template']))
  const required = objectOr(objectOr(objectOr(pod['affinity'])['nodeAffinity'])[TERMS])
  const terms = objectsOf(required['nodeSelectorTerms'])
  if (terms.length > 0 && terms.every(keepsOff)) return []
  const wanted = (terms.length === 0 ? [{}] : terms).map((term) => {
    const wants: JsonObject = term
    return keepsOff(wants)
      ? wants
      : { ...wants, matchExpressions: [...objectsOf(wants['matchExpressions']), KEEPS_OFF] }
  })
  const affinity = { nodeAffinity: { [TERMS]: { nodeSelectorTerms: wanted } } }
  const patch = JSON.stringify({ spec: { template: { spec: { affinity } } } })
  const { namespace, name } = objectOr(daemonSet['metadata'])
  const at = `kubectl -n ${stringOr(namespace) ?? ''}`
  const set = `daemonset ${stringOr(name) ?? ''}`
  // values of an affinity are held to no grammar by every version of the API server
  if (!QUOTABLE.test(patch)) return null
  return [`${at} patch ${set} --type merge -p '${patch}'`, `${at} rollout status ${set}`]
}

function keepsOff(term: JsonObject): boolean {
  return objectsOf(term['matchExpressions']).some(
    ({ key, operator }) => key === MOVED && operator === KEEPS_OFF.operator,
  )
}

/** For people; empty where nothing is left to move and nothing has moved. */
export function nodeMovesInWords({ waiting, prepare, go, back }: NodeMoves): readonly string[] {
  const once =
    prepare === null
      ? [`once: keep its DaemonSet off nodes labelled ${MOVED}, by one condition more in each of its nodeSelectorTerms`]
      : prepare.map((command) => `once: ${command}`)
  const each = go.length === 0 || waiting.length > 0 ? [] : [...once, ...go, 'after each: sluice check']
  return [
    ...(waiting.length === 0 ? [] : [`first a ready agent of Sluice on ${waiting.join(', ')}`]),
    ...each,
    ...back.map((command) => `back: ${command}`),
  ]
}
