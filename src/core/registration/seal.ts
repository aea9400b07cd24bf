import type { JsonObject } from '../json/value.ts'
import { ANSWER_ANNOTATIONS, ISTIO_ANNOTATIONS, POD_CONDITIONS } from '../vocabulary/names.ts'
import { admissionPolicy, policyBinding } from './admission-policy.ts'
import { list, quote } from './cel.ts'
import { NODE_CLAIM } from './node-claim.ts'
import { NEVER, selectorJson, SLUICE_OBJECT, withoutNamespaces } from './webhook-configuration.ts'

export interface SealParts {
  readonly ownNamespaces: readonly string[]
  /** user names of node agents: Sluice's own, and Istio's where both run */
  readonly agents: readonly string[]
}

const SEALED = [...Object.values(ANSWER_ANNOTATIONS), ISTIO_ANNOTATIONS.status]
const REDIRECTION = ISTIO_ANNOTATIONS.ambientRedirection
const CONDITIONS = Object.values(POD_CONDITIONS)

/**
 * The seal (design: "The boundary"): an answer is given at creation and then stands; what the node reports, only the node's
 * agent writes. A Binding counts as an update: its annotations go into the pod. `pods/ephemeralcontainers` and `pods/resize`
 * are looked at, too, so that the seal does not rest on what they happen to copy.
 */
export function seal({ ownNamespaces, agents }: SealParts): readonly JsonObject[] {
  const name = 'sluice-seal'
  const policy = admissionPolicy({
    name,
    labels: SLUICE_OBJECT,
    requests: [
      {
        apiGroups: [''],
        resources: ['pods', 'pods/status', 'pods/ephemeralcontainers', 'pods/resize'],
        operations: ['UPDATE'],
      },
      { apiGroups: [''], resources: ['pods/binding', 'bindings'], operations: ['CREATE'] },
    ],
    conditions: [],
    variables: [
      { name: 'binding', expression: "request.operation == 'CREATE'" },
      { name: 'after', expression: 'object.metadata.?annotations.orValue({})' },
      { name: 'before', expression: 'variables.binding ? {} : oldObject.metadata.?annotations.orValue({})' },
      {
        name: 'byAgentOfNode',
        expression: `!variables.binding && request.userInfo.username in ${list(agents)} && ${NODE_CLAIM} == oldObject.spec.?nodeName`,
      },
      ...['object', 'oldObject'].map((which) => ({
        name: `${which}Conditions`,
        expression: `variables.binding ? [] : ${which}.?status.?conditions.orValue([]).filter(condition, condition.type in ${list(CONDITIONS)})`,
      })),
    ],
    demands: [
      {
        holds: `${list(SEALED)}.all(name, variables.before[?name] == variables.after[?name])`,
        otherwise: { code: 'answer_sealed', args: { names: SEALED.join(', ') } },
      },
      {
        holds: `variables.before[?${quote(REDIRECTION)}] == variables.after[?${quote(REDIRECTION)}] || variables.byAgentOfNode`,
        otherwise: { code: 'redirection_sealed', args: { name: REDIRECTION } },
      },
      {
        // a kubelet writes back what it read, in its own time
        holds:
          "variables.objectConditions == variables.oldObjectConditions || variables.byAgentOfNode || 'system:nodes' in request.userInfo.?groups.orValue([])",
        otherwise: { code: 'condition_sealed', args: { types: CONDITIONS.join(', ') } },
      },
    ],
  })
  const namespaceSelector = selectorJson([withoutNamespaces([...NEVER, ...ownNamespaces])])
  return [policy, policyBinding({ name, labels: SLUICE_OBJECT, policy: name, selectors: { namespaceSelector } })]
}
