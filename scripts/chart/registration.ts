import type { Audience } from '../../src/core/decision/selectors.ts'
import type { JsonObject } from '../../src/core/json/value.ts'
import { explainConfiguration } from '../../src/core/registration/explain-configuration.ts'
import { fence } from '../../src/core/registration/fence.ts'
import { guard } from '../../src/core/registration/guard.ts'
import { accountUser } from '../../src/core/registration/node-claim.ts'
import { seal } from '../../src/core/registration/seal.ts'
import {
  ownAmbientWebhooks,
  type Registration,
  webhookConfiguration,
} from '../../src/core/registration/webhook-configuration.ts'
import { rolesOf } from '../../src/core/registration/roles.ts'
import { SERVICE_ACCOUNTS } from '../../src/core/vocabulary/names.ts'
import { AGENT_RIGHTS, type RightCondition, WEBHOOK_RIGHTS } from '../../src/core/vocabulary/rights.ts'

/** What the chart's templates put values in the place of. */
const PLACE = {
  service: '$(service)',
  own: '$(namespace)',
  agents: '$(agentNamespace)',
  istio: '$(istioNamespace)',
  revision: '$(revision)',
}

/** The forms of a configuration, of which the chart's values choose one. */
const SHAPES: Readonly<Record<string, Audience>> = {
  default: { revision: 'default', isDefault: true, namespacesByDefault: false },
  'by-default': { revision: 'default', isDefault: true, namespacesByDefault: true },
  revision: { revision: PLACE.revision, isDefault: false, namespacesByDefault: false },
}

const OWN_NAMESPACES = [PLACE.own, PLACE.agents]

/**
 * Every object that registers Sluice with the API server, for the chart to put its values into: one object a
 * line, so that a change shows in review.
 */
export function registrationText(): string {
  const groups = Object.entries(SHAPES).flatMap(([shape, audience]): [string, readonly JsonObject[]][] => [
    [`webhook-${shape}`, [webhookConfiguration(registration(audience))]],
    // the template adds what a pair of the values says to these
    [`own-ambient-${shape}`, ownAmbientWebhooks(registration(audience), [{ pod: [], namespace: [] }])],
    [`explain-${shape}`, [explainConfiguration(registration(audience))]],
    [`guard-${shape}`, guard({ audience, policyNamespace: PLACE.own, ownNamespaces: OWN_NAMESPACES })],
  ])
  const agents = [accountUser(PLACE.agents, SERVICE_ACCOUNTS.agent), accountUser(PLACE.istio, 'istio-cni')]
  groups.push(['seal', seal({ ownNamespaces: OWN_NAMESPACES, agents })])
  groups.push(['fence', fence({ account: { namespace: PLACE.agents, name: SERVICE_ACCOUNTS.agent } })])
  groups.push(...roles())
  const lines = groups.map(
    ([name, objects]) =>
      `${JSON.stringify(name)}: [\n${objects.map((one) => `  ${JSON.stringify(one)}`).join(',\n')}\n ]`,
  )
  return `{\n ${lines.join(',\n ')}\n}\n`
}

function roles(): [string, readonly JsonObject[]][] {
  const namespaces = { sluice: PLACE.own, istio: PLACE.istio }
  const account = { namespace: PLACE.own, name: PLACE.service }
  const webhook = (suffix: string, ...conditions: readonly RightCondition[]): readonly JsonObject[] =>
    rolesOf(WEBHOOK_RIGHTS, {
      ...{ account, namespaces, suffix, name: PLACE.service },
      conditions: ['always', 'leader', ...conditions],
    })
  const agent = { namespace: PLACE.agents, name: SERVICE_ACCOUNTS.agent }
  return [
    ['roles-default', webhook('', 'ca-secret')],
    ['roles-revision', webhook(`-${PLACE.revision}`, 'ca-secret')],
    ['roles-files-default', webhook('')],
    ['roles-files-revision', webhook(`-${PLACE.revision}`)],
    [
      'roles-agent',
      rolesOf(AGENT_RIGHTS, {
        ...{ account: agent, name: agent.name, namespaces, suffix: '' },
        conditions: ['always'],
      }),
    ],
  ]
}

/** What a person may set is set by the template. */
function registration(audience: Audience): Registration {
  return {
    audience,
    client: { is: 'service', name: PLACE.service, namespace: PLACE.own, port: 443 },
    path: '/inject',
    failurePolicy: 'Ignore',
    reinvocationPolicy: 'IfNeeded',
    timeoutSeconds: 5,
    ownNamespaces: OWN_NAMESPACES,
  }
}
