import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allowed, denied, encodePatch, NO_REMARKS, patched } from '../../../src/core/admission/response.ts'
import { parseReview, ReviewError } from '../../../src/core/admission/review.ts'
import type { Json, JsonObject } from '../../../src/core/json/value.ts'

const REQUEST = {
  uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
  kind: { group: '', version: 'v1', kind: 'Pod' },
  resource: { group: '', version: 'v1', resource: 'pods' },
  namespace: 'default',
  operation: 'CREATE',
  object: { apiVersion: 'v1', kind: 'Pod', madeUp: { survives: true } },
}
const review = (request: Json = REQUEST, version = 'admission.k8s.io/v1'): JsonObject => ({
  apiVersion: version,
  kind: 'AdmissionReview',
  request,
})

test('a review of the API server is read; what is left out is empty', () => {
  assert.deepEqual(parseReview(review()), {
    version: 'admission.k8s.io/v1',
    uid: REQUEST.uid,
    kind: { group: '', version: 'v1', name: 'Pod' },
    resource: { group: '', version: 'v1', name: 'pods' },
    subResource: '',
    operation: 'CREATE',
    namespace: 'default',
    dryRun: false,
    object: REQUEST.object,
  })
})

test('null stands for absent, as Go writes it', () => {
  const read = parseReview(review({ ...REQUEST, operation: 'DELETE', object: null, dryRun: null, namespace: null }))
  assert.equal(read.object, undefined)
  assert.equal(read.dryRun, false)
  assert.equal(read.namespace, '')
})

const BAD: readonly { readonly name: string; readonly value: Json; readonly says: string }[] = [
  { name: 'a list', value: [], says: 'the body must be a JSON object: an AdmissionReview' },
  { name: 'null', value: null, says: 'the body must be a JSON object: an AdmissionReview' },
  {
    name: 'no version',
    value: { kind: 'AdmissionReview' },
    says: 'apiVersion must be admission.k8s.io/v1 or admission.k8s.io/v1beta1',
  },
  {
    name: 'version 2',
    value: review(REQUEST, 'admission.k8s.io/v2'),
    says: 'apiVersion must be admission.k8s.io/v1 or admission.k8s.io/v1beta1',
  },
  { name: 'another kind', value: { ...review(), kind: 'Review' }, says: 'kind must be AdmissionReview' },
  {
    name: 'no request',
    value: { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' },
    says: 'request must be an object',
  },
  { name: 'a request that is text', value: review('x'), says: 'request must be an object' },
  { name: 'no uid', value: review({ ...REQUEST, uid: '' }), says: 'request.uid must be a text of 1 to 128 characters' },
  {
    name: 'a long uid',
    value: review({ ...REQUEST, uid: 'x'.repeat(129) }),
    says: 'request.uid must be a text of 1 to 128 characters',
  },
  { name: 'a kind that is text', value: review({ ...REQUEST, kind: 'Pod' }), says: 'request.kind must be an object' },
  {
    name: 'a kind without name',
    value: review({ ...REQUEST, kind: { group: '' } }),
    says: 'request.kind.kind must be a text',
  },
  {
    name: 'a group that is a number',
    value: review({ ...REQUEST, kind: { kind: 'Pod', group: 1 } }),
    says: 'request.kind.group must be a text',
  },
  { name: 'no resource', value: review({ ...REQUEST, resource: null }), says: 'request.resource must be an object' },
  {
    name: 'a resource without name',
    value: review({ ...REQUEST, resource: {} }),
    says: 'request.resource.resource must be a text',
  },
  {
    name: 'a subresource that is a list',
    value: review({ ...REQUEST, subResource: [] }),
    says: 'request.subResource must be a text',
  },
  {
    name: 'another operation',
    value: review({ ...REQUEST, operation: 'create' }),
    says: 'request.operation must be CREATE or UPDATE or DELETE or CONNECT',
  },
  {
    name: 'a namespace that is none',
    value: review({ ...REQUEST, namespace: 'a/b' }),
    says: 'request.namespace must be a DNS label: at most 63 of a-z, 0-9 and -',
  },
  {
    name: 'a namespace too long',
    value: review({ ...REQUEST, namespace: 'a'.repeat(64) }),
    says: 'request.namespace must be a DNS label: at most 63 of a-z, 0-9 and -',
  },
  {
    name: 'dryRun as text',
    value: review({ ...REQUEST, dryRun: 'false' }),
    says: 'request.dryRun must be true or false',
  },
  {
    name: 'an object that is a list',
    value: review({ ...REQUEST, object: [] }),
    says: 'request.object must be an object',
  },
]

for (const { name, value, says } of BAD)
  test(`a review with ${name} is refused by a sentence that starts with the field`, () =>
    assert.throws(
      () => parseReview(value),
      (error) => error instanceof ReviewError && error.message === says && says.startsWith(error.field),
    ))

test('each version is answered in kind, with the uid of the request', () => {
  for (const version of ['admission.k8s.io/v1', 'admission.k8s.io/v1beta1'])
    assert.deepEqual(allowed(parseReview(review(REQUEST, version)), NO_REMARKS), {
      apiVersion: version,
      kind: 'AdmissionReview',
      response: { uid: REQUEST.uid, allowed: true },
    })
})

test('a patch goes as base64 with its type; an empty one does not go at all', () => {
  const read = parseReview(review())
  const patch = [{ op: 'add', path: '/metadata/labels/ü', value: 'ü' }] as const
  assert.deepEqual(patched(read, encodePatch(patch), NO_REMARKS)['response'], {
    uid: REQUEST.uid,
    allowed: true,
    patchType: 'JSONPatch',
    patch: 'W3sib3AiOiJhZGQiLCJwYXRoIjoiL21ldGFkYXRhL2xhYmVscy/DvCIsInZhbHVlIjoiw7wifV0=',
  })
  assert.deepEqual(patched(read, encodePatch([]), NO_REMARKS), allowed(read, NO_REMARKS))
})

test('a denial carries code, reason, message, warnings and audit annotations', () => {
  const denial = { code: 403, reason: 'Forbidden', message: 'no' }
  const remarks = { warnings: ['a\nb'], auditAnnotations: { mode: 'none' } }
  assert.deepEqual(denied(parseReview(review()), denial, remarks)['response'], {
    uid: REQUEST.uid,
    allowed: false,
    status: denial,
    warnings: ['a b'],
    auditAnnotations: { mode: 'none' },
  })
})
