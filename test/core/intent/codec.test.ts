import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeIntent, encodeIntent } from '../../../src/core/intent/codec.ts'
import { BARE_SIDECAR, PLAIN_AMBIENT } from '../../../src/core/intent/intent.ts'
import { sentence } from '../../../src/core/vocabulary/reasons.ts'
import { anyIntent } from './any-intent.ts'

test('what the webhook writes is what the agent reads', () => {
  fc.assert(
    fc.property(anyIntent, (intent) => {
      assert.deepEqual(decodeIntent(encodeIntent(intent)), { is: 'redirect', intent })
    }),
  )
})

test('the annotation is one short line of printable ASCII', () => {
  assert.equal(encodeIntent(PLAIN_AMBIENT), '{"v":1,"kind":"ambient"}')
  const usual = { ...BARE_SIDECAR, inboundPorts: '*', outboundCidrs: '*' } as const
  assert.equal(encodeIntent(usual), '{"v":1,"kind":"sidecar","inboundPorts":"*","outboundCidrs":"*"}')
  fc.assert(fc.property(anyIntent, (intent) => assert.match(encodeIntent(intent), /^[\x20-\x7e]+$/)))
})

const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  ['text that is no JSON', 'REDIRECT', /is not JSON/],
  ['a list', '[]', /is not a JSON object/],
  ['no version', '{"kind":"ambient"}', /version "null"/],
  ['another version', '{"v":2,"kind":"ambient"}', /version "2", but this agent reads version 1/],
  ['an unknown kind', '{"v":1,"kind":"waypoint"}', /kind is none of/],
  ['an unknown field', '{"v":1,"kind":"ambient","inboundPorts":"*"}', /"inboundPorts" is a field/],
  ['a field of the prototype', '{"v":1,"kind":"ambient","__proto__":"x"}', /"__proto__" is a field/],
  ['a field of the wrong type', '{"v":1,"kind":"sidecar","inboundPort":15006}', /inboundPort is not a text/],
  ['a value outside the grammar', '{"v":1,"kind":"sidecar","inboundPorts":"80\\n-A X"}', /inboundPorts has "80/],
  ['a field on nothing', '{"v":1,"kind":"none","dns":"all"}', /"dns" is a field/],
]

for (const [what, text, says] of REFUSED)
  test(`the agent refuses ${what} and says why`, () => {
    const result = decodeIntent(text)
    assert.ok(result.is === 'refused')
    assert.match(sentence(result.reason), says)
  })

test('any text is read or refused, never a crash', () => {
  const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.json(), anyIntent.map(encodeIntent))
  fc.assert(fc.property(texts, (text) => assert.ok(['redirect', 'refused'].includes(decodeIntent(text).is))))
})
