import { Failure } from './failure.ts'

const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i

/** Accepts `application/json`, also with `; charset=utf-8`, which Istio refuses. Throws `Failure` for anything else. */
export function requireJson(contentType: string | undefined): void {
  if (contentType !== undefined && JSON_TYPE.test(contentType)) return
  const given = contentType === undefined ? 'there is none' : `not ${JSON.stringify(contentType.slice(0, 100))}`
  throw new Failure('media_type', `Content-Type must be application/json; ${given}`)
}
