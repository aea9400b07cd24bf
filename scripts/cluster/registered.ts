/** The webhook as manifests/ registers it, pointed at a server on loopback, in an API server of the tests. */
import { setTimeout as wait } from 'node:timers/promises'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../../src/core/json/value.ts'
import { type ApiServer, createNamespace } from './api-server.ts'
import { shipped } from './shipped.ts'

const EFFECT_MS = 30_000

/** Where the webhook is, and the CA that it is to be trusted by. */
export interface Reached {
  readonly url: string
  readonly ca: string
}

/** Registers the configurations of manifests/ and waits until the API server asks it. Throws where it never does. */
export async function registerWebhook(server: ApiServer, { url, ca }: Reached): Promise<void> {
  const clientConfig = { url: `${url}/inject`, caBundle: Buffer.from(ca).toString('base64') }
  for (const configuration of [...shipped('mutating'), ...shipped('validating')]) {
    const webhooks = objectsOf(configuration['webhooks']).map((entry) => ({ ...entry, clientConfig }))
    await applied(server, { ...configuration, webhooks })
  }
  await createNamespace(server, 'node-tools', { 'istio-injection': 'enabled' })
  await inEffect(server)
}

/** A host-network pod of a namespace that the webhook's facts hold too: left alone, and said so on a dry run. */
async function inEffect(server: ApiServer): Promise<void> {
  const probe = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'probe', namespace: 'node-tools' },
    spec: { hostNetwork: true, containers: [{ name: 'a', image: 'registry.example/a:1' }] },
  }
  const deadline = Date.now() + EFFECT_MS
  for (;;) {
    const { stderr } = await server.kubectl(['apply', '--dry-run=server', '-f', '-'], JSON.stringify(probe))
    if (stderr.includes('sluice')) return
    if (Date.now() > deadline) throw new Error(`the API server does not ask the webhook: ${stderr}`)
    await wait(100)
  }
}

/** Nodes with their status, which a plain apply leaves out. */
export async function createNodes(server: ApiServer, objects: readonly JsonObject[]): Promise<void> {
  for (const node of objects.filter((object) => object['kind'] === 'Node')) {
    await applied(server, node)
    const name = stringOr(objectOr(node['metadata'])['name']) ?? ''
    const patched = await server.kubectl([
      'patch',
      'node',
      name,
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify({ status: node['status'] }),
    ])
    if (patched.code !== 0) throw new Error(patched.stderr)
  }
}

async function applied(server: ApiServer, object: JsonObject): Promise<void> {
  const made = await server.kubectl(['apply', '-f', '-'], JSON.stringify(object))
  if (made.code !== 0) throw new Error(made.stderr)
}
