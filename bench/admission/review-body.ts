import { stringify } from '../../src/core/json/parse.ts'
import { pod, review } from '../../test/app/webhook/cluster.ts'

/** The review that is sent: the pod of a Deployment in a namespace that asks for sidecars, some 2.6 KB. */
export function reviewBody(): string {
  return stringify(review(pod()))
}
