import { stringify } from '../json/parse.ts'
import type { JsonObject } from '../json/value.ts'
import type { PatchOperation } from './patch.ts'
import type { Review } from './review.ts'
import { fitWarnings } from './warnings.ts'

/** What an answer may carry besides its verdict. */
export interface Remarks {
  readonly warnings: readonly string[]
  /** short stable keys; the API server puts the webhook's name before each */
  readonly auditAnnotations: Readonly<Record<string, string>>
}

export const NO_REMARKS: Remarks = { warnings: [], auditAnnotations: {} }

/** Why a request is denied; the API server gives `message` to the user and `code` to the client. */
export interface Denial {
  readonly code: number
  /** a `metav1.StatusReason`, such as `Forbidden` */
  readonly reason: string
  readonly message: string
}

/** The AdmissionReview that allows the request as it is. */
export function allowed(review: Review, remarks: Remarks): JsonObject {
  return answer(review, { allowed: true }, remarks)
}

/** `patch` as `patched` takes it; an empty text where nothing is to be done. */
export function encodePatch(patch: readonly PatchOperation[]): string {
  return patch.length === 0 ? '' : base64(stringify(patch))
}

/** The AdmissionReview that allows the request with `patch` done to its object; the same as `allowed` for an empty one. */
export function patched(review: Review, patch: string, remarks: Remarks): JsonObject {
  if (patch === '') return allowed(review, remarks)
  return answer(review, { allowed: true, patchType: 'JSONPatch', patch }, remarks)
}

/** The AdmissionReview that refuses the request. */
export function denied(review: Review, denial: Denial, remarks: Remarks): JsonObject {
  return answer(review, { allowed: false, status: { ...denial } }, remarks)
}

function answer(review: Review, verdict: JsonObject, { warnings, auditAnnotations }: Remarks): JsonObject {
  return {
    apiVersion: review.version,
    kind: 'AdmissionReview',
    response: {
      uid: review.uid,
      ...verdict,
      ...(warnings.length > 0 && { warnings: fitWarnings(warnings) }),
      ...(Object.keys(auditAnnotations).length > 0 && { auditAnnotations }),
    },
  }
}

/** As Go reads a `[]byte`. Buffer is used as a codec only: no I/O. */
function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}
