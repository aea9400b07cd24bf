import type { JsonObject } from '../json/value.ts'
import { ISTIO_ANNOTATIONS, POD_CONDITIONS } from '../vocabulary/names.ts'
import { admissionPolicy, policyBinding } from './admission-policy.ts'
import { list, quote } from './cel.ts'
import { accountUser, NODE_CLAIM, POD_CLAIM } from './node-claim.ts'
import { SLUICE_OBJECT } from './webhook-configuration.ts'

export interface FenceParts {
  /** the service account of the agent */
  readonly account: { readonly namespace: string; readonly name: string }
}

const REDIRECTION = ISTIO_ANNOTATIONS.ambientRedirection
const { ambient, redirected, evict } = POD_CONDITIONS

/** Set by the API server itself on an update. */
const BOOKKEEPING = ['managedFields', 'resourceVersion', 'generation']

/**
 * The fence (design: "The boundary", promise 7): with an agent's token nothing can be written to a pod of another node, and
 * to a pod of its own node only what an agent reports. It holds for whatever RBAC allows the account.
 */
export function fence({ account }: FenceParts): readonly JsonObject[] {
  const name = 'sluice-fence'
  const policy = admissionPolicy({
    name,
    labels: SLUICE_OBJECT,
    requests: [
      { apiGroups: [''], resources: ['pods', 'pods/*'], operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] },
      { apiGroups: [''], resources: ['bindings'], operations: ['CREATE'] },
    ],
    conditions: [
      {
        name: 'by-the-agent',
        expression: `request.userInfo.username == ${quote(accountUser(account.namespace, account.name))}`,
      },
    ],
    variables: [
      { name: 'node', expression: NODE_CLAIM },
      {
        name: 'report',
        expression: "request.operation == 'UPDATE' && request.?subResource.orValue('') in ['', 'status']",
      },
      {
        name: 'conditions',
        expression: `${list([redirected, evict])} + (${POD_CLAIM} == object.metadata.?uid ? [${quote(ambient)}] : [])`,
      },
      ...['object', 'oldObject'].flatMap((which) => [
        { name: `${which}Annotations`, expression: `${which}.metadata.?annotations.orValue({})` },
        {
          name: `${which}Conditions`,
          expression: `${which}.?status.?conditions.orValue([]).filter(condition, !(condition.type in variables.conditions))`,
        },
      ]),
      // key by key, so that fields of a later Kubernetes are fenced, too
      { name: 'sameMetadata', expression: sameMap('metadata', ['annotations', ...BOOKKEEPING]) },
      { name: 'sameStatus', expression: sameMap('status', ['conditions']) },
      {
        name: 'sameAnnotations',
        expression: sameKeys('variables.objectAnnotations', 'variables.oldObjectAnnotations', [REDIRECTION]),
      },
    ],
    demands: [
      { holds: 'variables.node.hasValue()', otherwise: { code: 'fence_no_node', args: {} } },
      {
        holds:
          "!variables.node.hasValue() || request.operation in ['CREATE', 'CONNECT'] || variables.node == oldObject.spec.?nodeName",
        otherwise: { code: 'fence_other_node', args: {} },
      },
      {
        holds: [
          'variables.report && object.spec == oldObject.spec && variables.sameMetadata && variables.sameAnnotations &&',
          'variables.sameStatus && variables.objectConditions == variables.oldObjectConditions',
        ].join('\n'),
        otherwise: {
          code: 'fence_not_listed',
          args: { annotation: REDIRECTION, conditions: [redirected, evict].join(' and ') },
        },
      },
    ],
  })
  return [policy, policyBinding({ name, labels: SLUICE_OBJECT, policy: name })]
}

/** Are a part of the pod before and after the same but for `except`? */
function sameMap(part: string, except: readonly string[]): string {
  return sameKeys(`dyn(object.?${part}.orValue({}))`, `dyn(oldObject.?${part}.orValue({}))`, except)
}

function sameKeys(after: string, before: string, except: readonly string[]): string {
  const free = `key in ${list(except)}`
  return [
    `${after}.all(key, ${free} || key in ${before} && ${after}[key] == ${before}[key]) &&`,
    `${before}.all(key, ${free} || key in ${after})`,
  ].join('\n')
}
