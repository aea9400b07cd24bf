import type { JsonObject } from '../json/value.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import { message } from './cel.ts'

const API = 'admissionregistration.k8s.io/v1'

/** A named expression. */
export interface Named {
  readonly name: string
  readonly expression: string
}

/** What must hold, and what is said where it does not. */
export interface Demand {
  readonly holds: string
  readonly otherwise: Reason
}

/** Requests that a policy looks at. */
export interface Requests {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly operations: readonly ('CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT')[]
}

export interface AdmissionPolicyParts {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly requests: readonly Requests[]
  /** all must hold for the policy to look at a request */
  readonly conditions: readonly Named[]
  readonly variables: readonly Named[]
  readonly demands: readonly Demand[]
  /** is a ConfigMap its parameter? */
  readonly takesConfigMap?: boolean
}

/** A policy that the API server enforces by itself; what it cannot evaluate it refuses. */
export function admissionPolicy(parts: AdmissionPolicyParts): JsonObject {
  return {
    apiVersion: API,
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: parts.name, labels: parts.labels },
    spec: {
      failurePolicy: 'Fail',
      ...(parts.takesConfigMap === true && { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } }),
      matchConstraints: {
        matchPolicy: 'Equivalent',
        resourceRules: parts.requests.map(({ apiGroups, resources, operations }) => ({
          apiGroups: [...apiGroups],
          apiVersions: ['*'],
          resources: [...resources],
          operations: [...operations],
          scope: 'Namespaced',
        })),
      },
      ...(parts.conditions.length > 0 && { matchConditions: parts.conditions.map((condition) => ({ ...condition })) }),
      variables: parts.variables.map((variable) => ({ ...variable })),
      validations: parts.demands.map(({ holds, otherwise }) => ({
        expression: holds,
        messageExpression: message(otherwise),
        reason: 'Forbidden',
      })),
    },
  }
}

export interface BindingParts {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly policy: string
  /** the selectors, as the API has them; absent where the policy looks at all objects */
  readonly selectors?: JsonObject
  readonly configMap?: { readonly namespace: string; readonly name: string }
}

/** Puts a policy into force: what it refuses is refused, and stands in the audit log. */
export function policyBinding({ name, labels, policy, selectors, configMap }: BindingParts): JsonObject {
  return {
    apiVersion: API,
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name, labels },
    spec: {
      policyName: policy,
      validationActions: ['Deny', 'Audit'],
      ...(configMap !== undefined && { paramRef: { ...configMap, parameterNotFoundAction: 'Deny' } }),
      ...(selectors !== undefined && { matchResources: selectors }),
    },
  }
}
