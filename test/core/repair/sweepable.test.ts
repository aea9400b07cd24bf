import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../src/core/json/value.ts'
import {
  addressesOf,
  endedUnredirected,
  failedChecks,
  hasNews,
  hasOwnNetwork,
  readySidecar,
} from '../../../src/core/repair/sweepable.ts'

const RUNNING = { phase: 'Running', podIP: '10.0.0.7' }

test("a pod that runs has a network of its own; one that ended, goes, is not there yet or uses the node's has not", () => {
  const of = (status: JsonObject, spec: JsonObject = {}, metadata: JsonObject = {}): boolean =>
    hasOwnNetwork({ metadata, spec, status })
  assert.equal(of(RUNNING), true)
  assert.equal(of({ ...RUNNING, phase: 'Pending' }), true)
  assert.equal(of({ ...RUNNING, phase: 'Failed' }), false)
  assert.equal(of({ ...RUNNING, phase: 'Succeeded' }), false)
  assert.equal(of({ phase: 'Pending' }), false)
  assert.equal(of(RUNNING, { hostNetwork: true }), false)
  assert.equal(of(RUNNING, {}, { deletionTimestamp: '2026-01-01T00:00:00Z' }), false)
})

test('each address counts once', () => {
  const status = { podIP: '10.0.0.7', podIPs: [{ ip: '10.0.0.7' }, { ip: 'fd00::7' }, { ip: '' }, null] }
  assert.deepEqual(addressesOf({ status }), ['10.0.0.7', 'fd00::7'])
  assert.deepEqual(addressesOf({}), [])
})

test('a sidecar runs when it is ready, in whichever list it stands', () => {
  for (const list of ['containerStatuses', 'initContainerStatuses']) {
    const of = (name: string, ready: boolean): string | undefined =>
      readySidecar({ status: { [list]: [{ name, ready, containerID: 'containerd://1' }] } })
    assert.equal(of('istio-proxy', true), 'containerd://1')
    assert.equal(of('istio-proxy', false), undefined)
    assert.equal(of('app', true), undefined)
  }
})

test('only a pod that nothing tries again has ended for want of redirection', () => {
  const of = (restartPolicy: string, exitCode: number): boolean =>
    endedUnredirected({
      spec: { restartPolicy },
      status: { initContainerStatuses: [{ name: 'istio-validation', state: { terminated: { exitCode } } }] },
    })
  assert.equal(of('Never', 126), true)
  assert.equal(of('Never', 1), false)
  assert.equal(of('OnFailure', 126), false)
})

/** A pod whose own check was started so often again, and ended the last time with `exitCode`. */
function checked(restartCount: number, exitCode: number, state: JsonObject = { waiting: {} }): JsonObject {
  const lastState = { terminated: { exitCode } }
  return {
    metadata: { annotations: { 'sidecar.istio.io/status': '{}' } },
    status: { initContainerStatuses: [{ name: 'istio-validation', restartCount, state, lastState }] },
  }
}

test('the checks that failed are counted while none has succeeded since', () => {
  assert.equal(failedChecks(checked(3, 126)), 3)
  assert.equal(failedChecks(checked(3, 1)), 0)
  assert.equal(failedChecks(checked(3, 126, { terminated: { exitCode: 0 } })), 0)
  assert.equal(failedChecks({}), 0)
})

test('a pod is measured again when its own check has failed once more, or its sidecar is another one', () => {
  assert.equal(hasNews({}, undefined, undefined), true)
  assert.equal(hasNews(checked(2, 126), undefined, { sidecar: undefined, failures: 1 }), true)
  assert.equal(hasNews(checked(2, 126), undefined, { sidecar: undefined, failures: 2 }), false)
  assert.equal(hasNews(checked(2, 1), undefined, { sidecar: undefined, failures: 1 }), false)
  assert.equal(hasNews({}, 'containerd://2', { sidecar: 'containerd://1', failures: 0 }), true)
  assert.equal(hasNews({}, 'containerd://1', { sidecar: 'containerd://1', failures: 0 }), false)
  assert.equal(hasNews({}, undefined, { sidecar: 'containerd://1', failures: 0 }), false)
})
