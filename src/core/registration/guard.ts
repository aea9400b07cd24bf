import { IGNORED_NAMESPACES } from '../decision/eligibility.ts'
import { type Audience, istioEntries, optOutEntries, sluiceEntries } from '../decision/selectors.ts'
import type { JsonObject } from '../json/value.ts'
import {
  ANSWER_ANNOTATIONS,
  CONFIG_MAPS,
  CONTAINERS,
  ISTIO_ANNOTATIONS,
  ISTIO_LABELS,
  INJECTION_MARKS,
} from '../vocabulary/names.ts'
import { admissionPolicy, type Named, policyBinding } from './admission-policy.ts'
import { list, quote, Told } from './cel.ts'
import { type GuardKey, guardPrefix, lineHolds } from './guard-keys.ts'
import { outVariables } from './meshing.ts'
import { NOT_A_MIRROR } from './mirror.ts'
import { installationLabels, installationName, selectorJson, withoutNamespaces } from './webhook-configuration.ts'

/** For whom a guard stands. */
export interface GuardParts {
  readonly audience: Audience
  /** where the ConfigMap of the policy is */
  readonly policyNamespace: string
  readonly ownNamespaces: readonly string[]
}

/** Pods that no mesh can take, whatever their labels say (as in `decide`). */
const CONDITIONS: readonly Named[] = [
  { name: 'not-host-network', expression: '!object.spec.?hostNetwork.orValue(false)' },
  NOT_A_MIRROR,
  { name: 'linux', expression: "object.spec.?os.?name.orValue('linux') == 'linux'" },
]

/** What an author writes for a proxy that redirects nothing, and the injected environment that shows the mode. */
const TEMPLATES = quote('inject.istio.io/templates')
const INTERCEPTION_MODE = quote('ISTIO_META_INTERCEPTION_MODE')

const DECIDED = quote(ANSWER_ANNOTATIONS.decided)
const STATUS = quote(ISTIO_ANNOTATIONS.status)
const DATAPLANE = quote(ISTIO_LABELS.dataplaneMode)

/**
 * The guard (design: "The boundary"): refuses a pod that should be meshed and shows no evidence of it in its spec, which
 * needs no server to be up. One policy, and one binding for each entry of the table of selectors, so that both ask about the
 * same pods; further bindings find the pods that the webhook is never asked about because they opt out.
 */
export function guard({ audience, policyNamespace, ownNamespaces }: GuardParts): readonly JsonObject[] {
  const name = installationName('sluice-guard', audience)
  const labels = installationLabels(audience)
  const key = (last: GuardKey): string => quote(`${guardPrefix(audience.revision)}${last}`)
  const policy = admissionPolicy({
    name,
    labels,
    takesConfigMap: true,
    requests: [{ apiGroups: [''], resources: ['pods'], operations: ['CREATE'] }],
    conditions: CONDITIONS,
    variables: [
      { name: 'labels', expression: 'object.metadata.?labels.orValue({})' },
      { name: 'annotations', expression: 'object.metadata.?annotations.orValue({})' },
      { name: 'namespaceLabels', expression: 'namespaceObject.metadata.?labels.orValue({})' },
      { name: 'keys', expression: 'params.?data.orValue({})' },
      { name: 'configured', expression: `${key('optOut')} in variables.keys` },
      ...outVariables((last) => `variables.keys[?${key(last)}].orValue('')`),
      ...optOutVariables(key('optOut')),
      ...evidence(),
    ],
    demands: [
      {
        holds: 'variables.configured || variables.evident',
        otherwise: { code: 'guard_unconfigured', args: { key: guardPrefix(audience.revision) } },
      },
      {
        holds: "!variables.configured || variables.out != 'pod' || variables.optOut == 'allow'",
        otherwise: { code: 'opt_out_denied', args: { label: String(new Told('variables.outLabel')), rule: 'optOut' } },
      },
      {
        holds: [
          "!variables.configured || variables.out != '' || variables.evident ||",
          // the policy lets pods run unmeshed for which no mode is possible: not those that name one
          `(variables.keys[?${key('onImpossible')}].orValue('') == 'admit' && variables.decided == 'none' && variables.followedWish == 'auto')`,
        ].join('\n'),
        otherwise: { code: 'guard_no_evidence', args: {} },
      },
    ],
  })
  const entries = [...istioEntries(audience), ...sluiceEntries(audience), ...optOutEntries(audience)]
  const bindings = entries.map((entry) =>
    policyBinding({
      name: `${name}.${entry.name}`,
      labels,
      policy: name,
      configMap: { namespace: policyNamespace, name: CONFIG_MAPS.policy },
      selectors: {
        namespaceSelector: selectorJson([
          ...entry.namespaceSelector,
          withoutNamespaces([...IGNORED_NAMESPACES, ...ownNamespaces]),
        ]),
        objectSelector: selectorJson(entry.objectSelector),
      },
    }),
  )
  return [policy, ...bindings]
}

/** The first line whose conditions the namespace fulfils begins with the permission; the last line has none. */
function optOutVariables(key: string): readonly Named[] {
  return [
    { name: 'optOutLines', expression: `variables.keys[?${key}].orValue('').split('\\n')` },
    {
      name: 'optOut',
      expression: `variables.optOutLines.filter(line, ${lineHolds('line', 'variables.namespaceLabels')})[0].split(' ')[0]`,
    },
  ]
}

function evidence(): readonly Named[] {
  return [
    {
      name: 'containers',
      expression: 'object.spec.?containers.orValue([]) + object.spec.?initContainers.orValue([])',
    },
    {
      name: 'redirectedSidecar',
      expression: [
        `variables.containers.exists(container, container.name == ${quote(CONTAINERS.proxy)}) &&`,
        `object.spec.?initContainers.orValue([]).exists(container, container.name in ${list([CONTAINERS.init, CONTAINERS.validation])})`,
      ].join('\n'),
    },
    {
      // gateways, proxyless gRPC and interception NONE have no init container to show
      name: 'injectedOtherwise',
      expression: [
        `(${TEMPLATES} in variables.annotations || variables.containers.exists(container, container.name == ${quote(CONTAINERS.proxy)} &&`,
        `  container.?env.orValue([]).exists(variable, variable.name == ${INTERCEPTION_MODE} && variable.?value.orValue('') == 'NONE'))) &&`,
        `variables.containers.exists(container, container.?env.orValue([]).exists(variable, variable.name in ${list(INJECTION_MARKS)}))`,
      ].join('\n'),
    },
    { name: 'decided', expression: `variables.annotations[?${DECIDED}].orValue('')` },
    {
      // istiod's injector answers with its status alone
      name: 'evident',
      expression: [
        `(variables.decided in ['cni', 'init'] || ${STATUS} in variables.annotations) && (variables.redirectedSidecar || variables.injectedOtherwise) ||`,
        "variables.decided == 'ambient' && (variables.podDataplane == 'ambient' ||",
        `  !(${DATAPLANE} in variables.labels) && variables.namespaceDataplane == 'ambient')`,
      ].join('\n'),
    },
  ]
}
