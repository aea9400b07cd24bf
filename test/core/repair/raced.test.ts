import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json } from '../../../src/core/json/value.ts'
import { hasRaced, type RacedSign } from '../../../src/core/repair/raced.ts'

const SIGN: RacedSign = {
  annotation: 'sidecar.istio.io/status',
  initContainer: 'istio-validation',
  exitCode: 126,
  message: '',
}

function raced(status: Json, sign: Partial<RacedSign> = {}): boolean {
  const metadata = { annotations: { 'sidecar.istio.io/status': '{}' } }
  return hasRaced({ metadata, status: { initContainerStatuses: [status] } }, { ...SIGN, ...sign })
}

const failed = { terminated: { exitCode: 126, message: ' no redirection\n' } }

test('one that failed for lack of redirection and waits to be tried again has raced', () => {
  assert.equal(raced({ name: 'istio-validation', state: { waiting: {} }, lastState: failed }), true)
})

test('one that is failing for the first time is not known yet', () => {
  assert.equal(raced({ name: 'istio-validation', state: failed }), false)
})

test('a success since, told by its code or by its reason alone, ends it', () => {
  for (const terminated of [{ exitCode: 0 }, {}, { exitCode: 1, reason: 'Completed' }])
    assert.equal(raced({ name: 'istio-validation', state: { terminated }, lastState: failed }), false)
})

test('messages are compared without the white space around them', () => {
  const status = { name: 'istio-validation', state: {}, lastState: failed }
  assert.equal(raced(status, { message: '\tno redirection ' }), true)
  assert.equal(raced(status, { message: 'no' }), false)
})

test('a status of another shape is no sign', () => {
  for (const status of [null, 'x', {}, { name: 'istio-validation', lastState: { terminated: null } }])
    assert.equal(raced(status, { exitCode: 0 }), false)
})
