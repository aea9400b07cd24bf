import { stringify } from '../../src/core/json/parse.ts'
import type { JsonObject } from '../../src/core/json/value.ts'
import { pod, review } from '../../test/app/webhook/cluster.ts'

/** The reviews that are sent: the pod of a Deployment in a namespace that asks for sidecars, small and large. */
export const REVIEWS = {
  '2.6 KB': () => pod(),
  '64 KB': () => podWithEnv(60, 1000),
  '1 MB': () => podWithEnv(1000, 1000),
  '2,000 env': () => podWithEnv(2000, 10),
} as const satisfies Readonly<Record<string, () => JsonObject>>
export type ReviewName = keyof typeof REVIEWS

/** In the body: what the API server makes up for each pod, and what is new with each version of a Deployment. */
const TOKEN = 'kube-api-access-aaaaa'
const HASH = '7d4b9c6f5d'

export function reviewBody(name: ReviewName): string {
  return stringify(review(REVIEWS[name]())).replaceAll('"name":"token"', `"name":"${TOKEN}"`)
}

/** `body` for another pod: of the same ReplicaSet, or of one of its own. */
export function another(body: string, number: number, of: 'same' | 'own'): string {
  const digits = String(number)
  const token = body.replaceAll(TOKEN, `kube-api-access-${digits.padStart(5, '0').slice(-5)}`)
  return of === 'same' ? token : token.replaceAll(HASH, digits.padStart(HASH.length, '0'))
}

function podWithEnv(variables: number, bytes: number): JsonObject {
  const env = Array.from({ length: variables }, (_, n) => ({ name: `VARIABLE_${n}`, value: 'v'.repeat(bytes) }))
  return pod({ spec: { containers: [{ name: 'web', image: 'example.com/web:1.2.3', env }] } })
}
