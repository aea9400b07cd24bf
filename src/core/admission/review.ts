import { isObject, type Json, type JsonObject } from '../json/value.ts'

/** The versions that are understood; each is answered in kind. */
export const REVIEW_VERSIONS = ['admission.k8s.io/v1', 'admission.k8s.io/v1beta1'] as const
export type ReviewVersion = (typeof REVIEW_VERSIONS)[number]

export const OPERATIONS = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const
export type Operation = (typeof OPERATIONS)[number]

/** `group/version/name` of a kind or a resource; the core group is empty. */
export interface GroupVersion {
  readonly group: string
  readonly version: string
  readonly name: string
}

/** An AdmissionReview as the API server sends it, as far as an answer depends on it. */
export interface Review {
  readonly version: ReviewVersion
  /** echoed in the answer */
  readonly uid: string
  readonly kind: GroupVersion
  readonly resource: GroupVersion
  /** empty for the object itself */
  readonly subResource: string
  readonly operation: Operation
  /** empty for an object without namespace */
  readonly namespace: string
  readonly dryRun: boolean
  /** absent on DELETE and CONNECT */
  readonly object: JsonObject | undefined
}

/** A review that cannot be read: `field` is the path of what is wrong, `message` the whole sentence. */
export class ReviewError extends Error {
  readonly field: string

  constructor(field: string, problem: string) {
    super(`${field} ${problem}`)
    this.name = 'ReviewError'
    this.field = field
  }
}

const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
/** The API server sends 36 characters; the bound keeps what is echoed and logged short. */
const LONGEST_UID = 128

/**
 * Reads an AdmissionReview of `admission.k8s.io` v1 or v1beta1 from JSON. Throws `ReviewError` naming the first field that
 * the protocol does not allow; fields that no answer depends on are not looked at.
 */
export function parseReview(value: Json): Review {
  if (!isObject(value)) throw new ReviewError('the body', 'must be a JSON object: an AdmissionReview')
  const version = oneOf(REVIEW_VERSIONS, value['apiVersion'], 'apiVersion')
  oneOf(['AdmissionReview'] as const, value['kind'], 'kind')
  const request = value['request']
  if (!isObject(request)) throw new ReviewError('request', 'must be an object')
  return {
    version,
    uid: uidOf(request['uid']),
    kind: groupVersion(request['kind'], 'request.kind', 'kind'),
    resource: groupVersion(request['resource'], 'request.resource', 'resource'),
    subResource: optionalString(request['subResource'], 'request.subResource'),
    operation: oneOf(OPERATIONS, request['operation'], 'request.operation'),
    namespace: namespaceOf(request['namespace']),
    dryRun: optionalBoolean(request['dryRun'], 'request.dryRun'),
    object: optionalObject(request['object'], 'request.object'),
  }
}

function oneOf<T extends string>(allowed: readonly T[], value: Json | undefined, field: string): T {
  const found = allowed.find((entry) => entry === value)
  if (found === undefined) throw new ReviewError(field, `must be ${allowed.join(' or ')}`)
  return found
}

function uidOf(value: Json | undefined): string {
  if (typeof value === 'string' && value !== '' && value.length <= LONGEST_UID) return value
  throw new ReviewError('request.uid', `must be a text of 1 to ${LONGEST_UID} characters`)
}

function namespaceOf(value: Json | undefined): string {
  const namespace = optionalString(value, 'request.namespace')
  if (namespace === '' || NAMESPACE.test(namespace)) return namespace
  throw new ReviewError('request.namespace', 'must be a DNS label: at most 63 of a-z, 0-9 and -')
}

function groupVersion(value: Json | undefined, field: string, nameKey: string): GroupVersion {
  if (!isObject(value)) throw new ReviewError(field, 'must be an object')
  const name = value[nameKey]
  if (typeof name !== 'string' || name === '') throw new ReviewError(`${field}.${nameKey}`, 'must be a text')
  return {
    group: optionalString(value['group'], `${field}.group`),
    version: optionalString(value['version'], `${field}.version`),
    name,
  }
}

function optionalString(value: Json | undefined, field: string): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  throw new ReviewError(field, 'must be a text')
}

function optionalBoolean(value: Json | undefined, field: string): boolean {
  if (value === undefined || value === null) return false
  if (typeof value === 'boolean') return value
  throw new ReviewError(field, 'must be true or false')
}

function optionalObject(value: Json | undefined, field: string): JsonObject | undefined {
  if (value === undefined || value === null) return undefined
  if (isObject(value)) return value
  throw new ReviewError(field, 'must be an object')
}
