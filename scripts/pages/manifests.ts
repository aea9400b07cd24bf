import { stringify } from 'yaml'
import type { JsonObject } from '../../src/core/json/value.ts'
import { explainConfiguration } from '../../src/core/registration/explain-configuration.ts'
import { fence } from '../../src/core/registration/fence.ts'
import { guard } from '../../src/core/registration/guard.ts'
import { guardKeys } from '../../src/core/registration/guard-keys.ts'
import { accountUser } from '../../src/core/registration/node-claim.ts'
import { seal } from '../../src/core/registration/seal.ts'
import { type Registration, webhookConfiguration } from '../../src/core/registration/webhook-configuration.ts'
import { parseInjectorConfig } from '../../src/core/settings/injector-config.ts'
import { parseInjectorValues } from '../../src/core/settings/injector-values.ts'
import { DEFAULT_POLICY } from '../../src/core/settings/policy.ts'
import { CONFIG_MAPS, SERVICE_ACCOUNTS, SLUICE_NAMESPACE } from '../../src/core/vocabulary/names.ts'
import type { Page } from './page.ts'

const REVISION = 'default'
const AUDIENCE = { revision: REVISION, isDefault: true, namespacesByDefault: false }

/** How the plain manifests register the webhook of the default revision. */
const REGISTRATION: Registration = {
  audience: AUDIENCE,
  client: { is: 'service', name: 'sluice-webhook', namespace: SLUICE_NAMESPACE, port: 443 },
  path: '/inject',
  // the boundary is a policy that needs no server to be up; mutation fails open
  failurePolicy: 'Ignore',
  // another webhook may add a container after us; injecting twice is injecting once
  reinvocationPolicy: 'IfNeeded',
  timeoutSeconds: 5,
  ownNamespaces: [SLUICE_NAMESPACE],
}

function manifest(name: string, remark: string, objects: () => readonly JsonObject[]): Page {
  return {
    path: `manifests/${name}.yaml`,
    text: async () =>
      await Promise.resolve(
        [
          `# made by \`npm run generate\` from src/core/registration; ${remark}\n`,
          objects()
            .map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
            .join('---\n'),
        ].join(''),
      ),
  }
}

/** The plain manifests of the webhook and the boundary. */
export const MANIFESTS: readonly Page[] = [
  manifest('mutating-webhook-configuration', 'caBundle is written by Sluice or cert-manager', () => [
    webhookConfiguration(REGISTRATION),
  ]),
  manifest('validating-webhook-configuration', 'caBundle is written by Sluice or cert-manager', () => [
    explainConfiguration(REGISTRATION),
  ]),
  manifest('policy', 'the leader keeps the keys guard.* in step with the policy', () => [policyConfigMap()]),
  manifest('guard', 'refuses pods that should be meshed and are not', () =>
    guard({ audience: AUDIENCE, policyNamespace: SLUICE_NAMESPACE, ownNamespaces: [SLUICE_NAMESPACE] }),
  ),
  manifest('seal', 'keeps the answer on a pod as it was given', () =>
    seal({ ownNamespaces: [SLUICE_NAMESPACE], agents: [accountUser(SLUICE_NAMESPACE, SERVICE_ACCOUNTS.agent)] }),
  ),
  manifest('fence', 'keeps an agent to its own node', () =>
    fence({ account: { namespace: SLUICE_NAMESPACE, name: SERVICE_ACCOUNTS.agent } }),
  ),
]

function policyConfigMap(): JsonObject {
  const injector = parseInjectorConfig(undefined, parseInjectorValues({}))
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: CONFIG_MAPS.policy, namespace: SLUICE_NAMESPACE },
    data: { policy: '{}\n', ...guardKeys(REVISION, DEFAULT_POLICY, injector) },
  }
}
