import { spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The webhook as users run it: a process of its own. */
export interface WebhookProcess {
  readonly url: string
  /** PEM of the CA that it made */
  readonly ca: string
  readonly stop: () => Promise<void>
}

/** Starts `sluice webhook` with API objects from `objects` and waits until it says that it serves. */
export async function startWebhookProcess(objects: string, certificates: string): Promise<WebhookProcess> {
  const listen = ['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0']
  const child = spawn(
    process.execPath,
    ['src/main.ts', 'webhook', '--objects', objects, ...listen, '--certs-dir', certificates, '--drain-seconds', '0'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await gone
  }
  const port = await servingPort(child.stdout)
  child.stdout.resume()
  const ca = readFileSync(join(certificates, 'current', 'ca.crt'), 'utf8')
  if (new X509Certificate(ca).ca) return { url: `https://127.0.0.1:${port}`, ca, stop }
  await stop()
  throw new Error('what the webhook made is no CA')
}

async function servingPort(stdout: NodeJS.ReadableStream): Promise<number> {
  return await new Promise((resolve, reject) => {
    let text = ''
    stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const line = text
        .split('\n')
        .find((candidate) => candidate.includes('"msg":"serving"') && candidate.endsWith('}'))
      if (line !== undefined) resolve((JSON.parse(line) as { address: { port: number } }).address.port)
    })
    stdout.once('end', () => reject(new Error(`the webhook ended before it served: ${text}`)))
  })
}
