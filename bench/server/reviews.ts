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

export function reviewBody(name: ReviewName): string {
  return stringify(review(REVIEWS[name]()))
}

function podWithEnv(variables: number, bytes: number): JsonObject {
  const env = Array.from({ length: variables }, (_, n) => ({ name: `VARIABLE_${n}`, value: 'v'.repeat(bytes) }))
  return pod({ spec: { containers: [{ name: 'web', image: 'example.com/web:1.2.3', env }] } })
}
