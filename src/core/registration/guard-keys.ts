import type { InjectorConfig } from '../settings/injector-config.ts'
import { parseSelector, type Requirement, type Selector } from '../settings/label-selector.ts'
import type { Policy } from '../settings/policy.ts'

/**
 * What the guard must know of the policy and of istiod's injector, in words that CEL can read: it cannot parse YAML. The
 * leader writes them into the policy's ConfigMap beside the key `policy` (docs/decisions: "Give the guard flat keys").
 */
const GUARD_KEYS = [
  'defaultMode',
  'contradiction',
  'onImpossible',
  'optOut',
  'injection',
  'neverInject',
  'alwaysInject',
] as const
export type GuardKey = (typeof GUARD_KEYS)[number]

/** One ConfigMap serves the installations of all revisions. */
export function guardPrefix(revision: string): string {
  return `guard.${revision}.`
}

/** The keys of one revision and their values, whole: what else begins with the prefix is stale. */
export function guardKeys(
  revision: string,
  policy: Policy,
  injector: Pick<InjectorConfig, 'policy' | 'neverInjectSelector' | 'alwaysInjectSelector'>,
): Readonly<Record<string, string>> {
  const values: Readonly<Record<GuardKey, string>> = {
    defaultMode: policy.defaultMode,
    contradiction: policy.contradiction,
    onImpossible: policy.onImpossible,
    optOut: [
      ...policy.optOut.rules.map(({ permission, namespaceSelector }) => line(permission, namespaceSelector)),
      policy.optOut.default,
    ].join('\n'),
    // a policy that cannot be read leaves nobody out: promised redirection is not lost by a misspelling
    injection: injector.policy === 'disabled' ? 'disabled' : 'enabled',
    neverInject: lines(injector.neverInjectSelector),
    alwaysInject: lines(injector.alwaysInjectSelector),
  }
  return Object.fromEntries(GUARD_KEYS.map((key) => [`${guardPrefix(revision)}${key}`, values[key]]))
}

/** What the guard should be told and what it is told. */
export interface GuardParameter {
  readonly wanted: Readonly<Record<string, string>>
  /** the keys of this revision in the policy's ConfigMap; undefined where there is no such ConfigMap */
  readonly found: Readonly<Record<string, string>> | undefined
}

/** Compares what the ConfigMap holds for `revision` with what it should hold. */
export function guardParameter(
  revision: string,
  wanted: Readonly<Record<string, string>>,
  data: Readonly<Record<string, string>> | undefined,
): GuardParameter {
  const own = Object.entries(data ?? {}).filter(([key]) => key.startsWith(guardPrefix(revision)))
  return { wanted, found: data === undefined ? undefined : Object.fromEntries(own) }
}

/** The names of the keys that do not say what they should, in order. */
export function differingKeys({ wanted, found = {} }: GuardParameter): readonly string[] {
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(found)])]
  return names.filter((name) => wanted[name] !== found[name]).sort()
}

/** Istio skips a selector that cannot be read, and an empty one matches nothing. */
function lines(selectors: InjectorConfig['neverInjectSelector']): string {
  return selectors
    .map(parseSelector)
    .flatMap((parsed) => (parsed.is === 'selector' && parsed.selector.length > 0 ? [parsed.selector] : []))
    .map((selector) => line('yes', selector))
    .join('\n')
}

/**
 * One rule a line: a word, then its conditions, as in `deny team=a|b sandbox!=*`. Every condition holds a `=`, which no
 * word does; `*`, which no label value is, stands for any value.
 */
function line(word: string, selector: Selector): string {
  return [word, ...selector.map(term)].join(' ')
}

function term({ key, operator, values }: Requirement): string {
  const negated = operator === 'NotIn' || operator === 'DoesNotExist'
  const any = operator === 'Exists' || operator === 'DoesNotExist'
  return `${key}${negated ? '!=' : '='}${any ? '*' : values.join('|')}`
}

/** Do all conditions of the line (an expression) hold for the map of labels? The other end of `line`, in CEL. */
export function lineHolds(text: string, labels: string): string {
  const key = (sign: string): string => `term.split('${sign}')[0]`
  const value = (sign: string): string => `term.split('${sign}')[1].split('|')`
  const among = (sign: string): string =>
    `(${key(sign)} in ${labels} && ${value(sign)}.exists(value, value == '*' || value == ${labels}[${key(sign)}]))`
  return [
    `${text}.split(' ').all(term, !term.contains('=') || (term.contains('!=')`,
    `  ? !${among('!=')}`,
    `  : ${among('=')}))`,
  ].join('\n')
}
