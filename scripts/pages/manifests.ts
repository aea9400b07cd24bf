import { stringify } from 'yaml'
import { webhookConfiguration } from '../../src/core/registration/webhook-configuration.ts'
import type { Page } from './page.ts'

/** How the plain manifests register the webhook of the default revision. */
export const WEBHOOK_MANIFEST: Page = {
  path: 'manifests/mutating-webhook-configuration.yaml',
  text: async () => {
    const configuration = webhookConfiguration({
      audience: { revision: 'default', isDefault: true, namespacesByDefault: false },
      client: { is: 'service', name: 'sluice-webhook', namespace: 'sluice-system', port: 443 },
      path: '/inject',
      // the boundary is a policy that needs no server to be up; mutation fails open
      failurePolicy: 'Ignore',
      // another webhook may add a container after us; injecting twice is injecting once
      reinvocationPolicy: 'IfNeeded',
      timeoutSeconds: 5,
      ownNamespace: 'sluice-system',
    })
    return await Promise.resolve(
      `# made by \`npm run generate\` from src/core/decision/selectors.ts; caBundle is written by Sluice or cert-manager\n${stringify(configuration, { lineWidth: 0 })}`,
    )
  },
}
