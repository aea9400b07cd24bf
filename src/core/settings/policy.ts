import { Value } from 'typebox/value'
import { parse } from 'yaml'
import { isObject } from '../json/value.ts'
import type { Family, Wish } from '../vocabulary/modes.ts'
import type { PodSecurityLevel } from '../vocabulary/pod-security-levels.ts'
import { DEFAULT_ENABLEMENT, enablementOf, type EnablementSelector } from './ambient-enablement.ts'
import type { Selector } from './label-selector.ts'
import { parseSelector } from './label-selector.ts'
import { fieldAt, problemOf } from './policy-problem.ts'
import type { PolicyDocument } from './policy-schema.ts'
import { DURATION, POLICY_SCHEMA } from './policy-schema.ts'
import { nameOf } from './reader.ts'
import { SettingsError } from './settings-error.ts'

export type Permission = 'allow' | 'deny'

/** Allowed or denied by namespace: the first rule whose selector matches the namespace's labels, else the default. */
export interface PermissionByNamespace {
  readonly default: Permission
  readonly rules: readonly { readonly namespaceSelector: Selector; readonly permission: Permission }[]
}

/** Sluice's own policy, checked: nobody downstream checks again. What each field means stands in the schema. */
export interface Policy {
  readonly defaultMode: Wish
  readonly families: readonly Family[]
  readonly crossFamily: boolean
  readonly contradiction: 'wish' | 'labels'
  readonly netAdmin: PermissionByNamespace
  readonly optOut: PermissionByNamespace
  /** who is for ambient, to webhook, plugin and watch alike */
  readonly ambientEnablement: readonly EnablementSelector[]
  readonly readinessGate: readonly string[]
  readonly onImpossible: 'deny' | 'admit'
  readonly minCovered: number
  readonly coverageGraceSeconds: number
  readonly maxStaleSeconds: number
  readonly bornTainted: boolean
  readonly taint: {
    readonly enabled: boolean
    readonly key: string
    readonly effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute'
    readonly maxShare: number
  }
  readonly repair: { readonly evict: boolean; readonly evictionsPerMinute: number }
  readonly podSecurity: {
    readonly defaultLevel: PodSecurityLevel
    readonly exemptNamespaces: readonly string[]
    readonly exemptRuntimeClasses: readonly string[]
  }
}

/**
 * The policy of a YAML or JSON text; what it does not say has its default, an empty text says nothing. Throws
 * `SettingsError` with the path of the first field that cannot be used and what is allowed there; an unknown field is an
 * error, since a misspelt restriction must not pass for none.
 */
export function parsePolicy(text: string): Policy {
  const filled = Value.Default(POLICY_SCHEMA, documentOf(text))
  const [problem] = Value.Errors(POLICY_SCHEMA, filled)
  if (problem !== undefined) {
    const { field, says } = problemOf(problem)
    throw new SettingsError(field, says)
  }
  const { coverageGrace, maxStale, ...document } = filled as PolicyDocument
  const enablement = enablementOf(document.ambientEnablement, 'policy.ambientEnablement')
  return {
    ...document,
    ambientEnablement: enablement.length === 0 ? DEFAULT_ENABLEMENT : enablement,
    netAdmin: permissionOf(document.netAdmin, ['netAdmin']),
    optOut: permissionOf(document.optOut, ['optOut']),
    coverageGraceSeconds: secondsOf(coverageGrace),
    maxStaleSeconds: secondsOf(maxStale),
  }
}

function documentOf(text: string): object {
  let value: unknown
  try {
    value = parse(text, { logLevel: 'error' }) ?? {}
  } catch (cause) {
    const [first = ''] = cause instanceof Error ? cause.message.split('\n', 1) : []
    throw new SettingsError('policy', `is neither YAML nor JSON: ${first.replace(/:$/, '')}`, { cause })
  }
  if (!isObject(value)) throw new SettingsError('policy', `must be a map of fields, not ${nameOf(value)}`)
  return value
}

function permissionOf(said: PolicyDocument['netAdmin'], path: readonly string[]): PermissionByNamespace {
  const rules = said.rules.map(({ namespaceSelector, permission }, index) => {
    const parsed = parseSelector(namespaceSelector)
    if (parsed.is === 'selector') return { namespaceSelector: parsed.selector, permission }
    const selector = fieldAt([...path, 'rules', index, 'namespaceSelector'])
    throw new SettingsError([selector, parsed.field].filter((part) => part !== '').join('.'), parsed.problem)
  })
  return { default: said.default, rules }
}

function secondsOf(duration: string): number {
  const [, hours = '0', minutes = '0', seconds = '0'] = DURATION.exec(duration) ?? []
  return (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)
}

/** What holds where the policy says nothing. */
export const DEFAULT_POLICY: Policy = parsePolicy('')
