import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../../src/app/webhook/failure.ts'
import { DEFAULT_LIMITS } from '../../../src/app/webhook/limits.ts'
import { Load } from '../../../src/app/webhook/load.ts'

const LIMITS = { ...DEFAULT_LIMITS, bodyBytes: 100, inFlight: 3, inFlightBytes: 150 }
const refused = (code: string) => (error: unknown) => error instanceof Failure && error.code === code

test('requests come in until there are too many, and again when one is over', () => {
  const load = new Load(LIMITS)
  const leave = [load.enter(1), load.enter(1), load.enter(1)]
  assert.equal(load.requests, 3)
  assert.throws(() => load.enter(1), refused('overloaded'))
  leave[0]?.()
  assert.doesNotThrow(() => load.enter(1))
})

test('bodies come in until they are too heavy together; one without a length weighs as much as the largest', () => {
  const load = new Load(LIMITS)
  const leave = load.enter(undefined)
  assert.throws(() => load.enter(51), refused('overloaded'))
  assert.doesNotThrow(() => load.enter(50))
  leave()
  assert.doesNotThrow(() => load.enter(100))
})

test('a body over the limit never comes in; the largest allowed always does when nothing else is there', () => {
  const load = new Load({ ...LIMITS, inFlightBytes: 10 })
  assert.throws(() => load.enter(101), refused('too_large'))
  assert.doesNotThrow(() => load.enter(100))
})
