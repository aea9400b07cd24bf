import { randomUUID } from 'node:crypto'
import { Agent, request } from 'node:https'
import { patchWords, type PatchOperation } from '../../src/core/explain/patch-words.ts'
import { objectOr, stringOr, type JsonObject } from '../../src/core/json/value.ts'
import type { Asker } from './asker.ts'
import type { Example } from './examples.ts'
import type { WebhookProcess } from './webhook-process.ts'

interface Response {
  readonly uid: string
  readonly allowed: boolean
  readonly warnings?: readonly string[]
  readonly patch?: string
  readonly status?: { readonly message?: string }
}

/** Sends AdmissionReviews as the API server does, and reads the answers. */
export function webhookAsker({ url, ca }: WebhookProcess): Asker {
  const agent = new Agent({ ca, keepAlive: true })
  return {
    ask: async (example) => {
      const review = reviewOf(example)
      const response = await post(`${url}/inject?timeout=5s`, agent, review)
      if (response.uid !== objectOr(review['request'])['uid']) throw new Error('the answer is to another question')
      return words(response, example.pod)
    },
    stop: async () => {
      agent.destroy()
      await Promise.resolve()
    },
  }
}

function reviewOf({ pod, namespace }: Example): JsonObject {
  const metadata = objectOr(pod['metadata'])
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: randomUUID(),
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      requestKind: { group: '', version: 'v1', kind: 'Pod' },
      requestResource: { group: '', version: 'v1', resource: 'pods' },
      name: metadata['name'],
      namespace: objectOr(namespace['metadata'])['name'],
      operation: 'CREATE',
      userInfo: { username: 'demo' },
      object: pod,
      oldObject: null,
      dryRun: true,
      options: { apiVersion: 'meta.k8s.io/v1', kind: 'CreateOptions', dryRun: ['All'] },
    },
  }
}

function words(response: Response, pod: JsonObject): readonly string[] {
  const patch =
    response.patch === undefined
      ? []
      : (JSON.parse(Buffer.from(response.patch, 'base64').toString()) as PatchOperation[])
  const verdict = response.allowed ? 'allowed' : 'refused'
  const lines = (response.warnings ?? []).map((line) => line.replace(/^sluice: /, ''))
  const [, ...advice] = (response.status?.message ?? '').split('; to do: ')
  const told = [...lines, ...advice.map((text) => `to do: ${text}`)]
  return [
    verdict,
    ...told,
    ...(patch.length === 0
      ? ['the pod stays as it is']
      : ['the patch:', ...patchWords(patch, pod).map((line) => `  ${line}`)]),
  ]
}

async function post(url: string, agent: Agent, body: JsonObject): Promise<Response> {
  const text = await new Promise<string>((resolve, reject) => {
    request(url, { method: 'POST', agent, headers: { 'content-type': 'application/json' } }, (answer) => {
      let read = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => (read += chunk))
      answer.on('end', () =>
        answer.statusCode === 200 ? resolve(read) : reject(new Error(`HTTP ${String(answer.statusCode)}: ${read}`)),
      )
    })
      .on('error', reject)
      .end(JSON.stringify(body))
  })
  const review = JSON.parse(text) as JsonObject
  if (stringOr(review['kind']) !== 'AdmissionReview') throw new Error(`no AdmissionReview came back: ${text}`)
  return review['response'] as unknown as Response
}
