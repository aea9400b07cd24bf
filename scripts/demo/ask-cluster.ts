import { objectOr, stringMap, stringOr } from '../../src/core/json/value.ts'
import { type ApiServer, createNamespace, startApiServer } from '../cluster/api-server.ts'
import { createNodes, registerWebhook } from '../cluster/registered.ts'
import type { Asker } from './asker.ts'
import { readObjects } from './examples.ts'
import type { WebhookProcess } from './webhook-process.ts'

/** Applies each example to a real API server, as a dry run, with the webhook registered as manifests/ has it. */
export async function clusterAsker(webhook: WebhookProcess, say: (text: string) => void): Promise<Asker> {
  say('starting etcd and kube-apiserver')
  const server = await startApiServer()
  try {
    await createNodes(server, readObjects('cluster.yaml'))
    await registerWebhook(server, webhook)
  } catch (error) {
    await server.stop()
    throw error
  }
  return {
    ask: async ({ path, namespace }) => {
      const metadata = objectOr(namespace['metadata'])
      await createNamespace(server, stringOr(metadata['name']) ?? '', stringMap(metadata['labels']))
      return await dryRun(server, path)
    },
    stop: server.stop,
  }
}

async function dryRun(server: ApiServer, path: string): Promise<readonly string[]> {
  const { stdout, stderr } = await server.kubectl(['apply', '--dry-run=server', '-f', path])
  return [
    `$ kubectl apply --dry-run=server -f ${path}`,
    ...`${stderr}${stdout}`
      .trim()
      .split('\n')
      .filter((line) => !line.startsWith('namespace/')),
  ]
}
