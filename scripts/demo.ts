/**
 * `npm run demo`: what becomes of the pods of examples/, and why. The real webhook over HTTPS with certificates that it makes,
 * real AdmissionReviews; with `--cluster` through a real API server by `kubectl apply --dry-run=server`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Asker } from './demo/asker.ts'
import { EXAMPLES, readExample } from './demo/examples.ts'
import { startWebhookProcess, type WebhookProcess } from './demo/webhook-process.ts'

const say = (text: string): void => void process.stdout.write(`${text}\n`)

async function askerFor(webhook: WebhookProcess): Promise<Asker> {
  // loaded only when it is wanted: the plain demo needs neither Go nor a cluster
  if (process.argv.includes('--cluster'))
    return await (await import('./demo/ask-cluster.ts')).clusterAsker(webhook, say)
  return (await import('./demo/ask-webhook.ts')).webhookAsker(webhook)
}

async function show(webhook: WebhookProcess): Promise<void> {
  say(`the webhook serves at ${webhook.url}, with a certificate that it made`)
  const asker = await askerFor(webhook)
  try {
    for (const file of EXAMPLES) {
      const example = readExample(file)
      say(`\n━━ ${file}: ${example.title}`)
      for (const line of await asker.ask(example)) say(`   ${line}`)
    }
  } finally {
    await asker.stop()
  }
}

const folder = mkdtempSync(join(tmpdir(), 'sluice-demo-'))
try {
  const webhook = await startWebhookProcess('examples', join(folder, 'certs'))
  try {
    await show(webhook)
  } finally {
    await webhook.stop()
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
