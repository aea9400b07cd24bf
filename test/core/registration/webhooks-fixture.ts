import type { JsonObject } from '../../../src/core/json/value.ts'
import { webhookConfiguration } from '../../../src/core/registration/webhook-configuration.ts'

export const AUDIENCE = { revision: 'default', isDefault: true, namespacesByDefault: false }
export const OURS = webhookConfiguration({
  audience: AUDIENCE,
  client: { is: 'url', url: 'https://127.0.0.1:1' },
  path: '/inject',
  failurePolicy: 'Ignore',
  reinvocationPolicy: 'IfNeeded',
  timeoutSeconds: 5,
  ownNamespaces: ['sluice-system'],
})

export const ISTIO: JsonObject = {
  metadata: { name: 'istio-sidecar-injector' },
  webhooks: [
    {
      name: 'namespace.sidecar-injector.istio.io',
      namespaceSelector: { matchLabels: { 'istio-injection': 'enabled' } },
      rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
    },
  ],
}
