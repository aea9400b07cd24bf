import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { eventName, isDue, noteOf, type Notice, projectNotice, UNKNOWN_MS } from '../../../src/core/repair/notice.ts'

const UID = '8b6a2e4c-0000-4000-8000-000000000000'

function pod(said: JsonObject, metadata: JsonObject = {}): JsonObject {
  const condition = { type: 'sluice-mesh.io/redirected', message: 'it left the pod', ...said }
  return {
    metadata: { namespace: 'shop', name: 'web', uid: UID, ...metadata },
    spec: { nodeName: 'node-1' },
    status: { conditions: [{ type: 'Ready', status: 'True', reason: 'ok' }, condition] },
  }
}

const CASES: readonly (readonly [string, JsonObject, boolean, Notice['is'] | undefined])[] = [
  ['measured not to be redirected', pod({ status: 'False', reason: 'redirection_bypassed' }), false, 'bad'],
  ['not known', pod({ status: 'Unknown', reason: 'redirection_unknown' }), false, 'unknown'],
  ['redirected, as it always was', pod({ status: 'True', reason: 'redirection_seen' }), false, undefined],
  ['redirected, and was told not to be', pod({ status: 'True', reason: 'redirection_seen' }), true, 'mended'],
  ['mended by the agent itself', pod({ status: 'True', reason: 'redirection_restored' }), false, 'mended'],
  [
    'on its way out',
    pod({ status: 'False', reason: 'x_y' }, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    true,
    undefined,
  ],
  ['a reason that is no code', pod({ status: 'False', reason: 'Redirection Bypassed!' }), false, undefined],
  ['a reason of a later version', pod({ status: 'False', reason: 'of_tomorrow' }), false, 'bad'],
  ['a uid that cannot be part of a name', pod({ status: 'False', reason: 'x_y_z' }, { uid: '../x' }), false, undefined],
  ['a status that is none', pod({ status: 'Maybe', reason: 'redirection_bypassed' }), true, undefined],
  ['no condition', { metadata: { uid: UID } }, true, undefined],
]

for (const [what, given, wasBad, is] of CASES)
  test(`${what}: ${is ?? 'nothing'} is told`, () => assert.equal(projectNotice(given, () => wasBad)?.is, is))

function notice(said: JsonObject): Notice {
  const found = projectNotice(pod(said), () => false)
  assert.ok(found !== undefined)
  return found
}

test('what is kept of a sentence is one line of a bounded length', () => {
  const { message } = notice({
    status: 'False',
    reason: 'redirection_bypassed',
    message: `a\n\u0007\u202Eb${'c'.repeat(2000)}`,
  })
  assert.match(message, /^a bc+$/)
  assert.equal(message.length, 300)
})

test('what is unknown is told once it has stayed so, whatever the clock of the node says', () => {
  const since = Date.parse('2026-03-01T10:00:00Z')
  const unknown = notice({
    status: 'Unknown',
    reason: 'redirection_unknown',
    lastTransitionTime: '2026-03-01T10:00:00Z',
  })
  assert.deepEqual(
    [0, UNKNOWN_MS - 1, UNKNOWN_MS].map((age) => isDue(unknown, since + age)),
    [false, false, true],
  )
  assert.ok(isDue(notice({ status: 'Unknown', reason: 'redirection_unknown', lastTransitionTime: 'soon' }), 0))
  assert.ok(isDue(notice({ status: 'False', reason: 'redirection_bypassed' }), 0))
})

test('the event says what was measured, by whom and what to do, under a name that an object may have', () => {
  const bad = notice({ status: 'False', reason: 'redirection_bypassed' })
  assert.equal(eventName(bad), `sluice-measured-${UID}-redirection-bypassed`)
  assert.match(noteOf(bad), /^it left the pod \(measured by the agent of node node-1\); to do: restart the pod/)
  assert.equal(
    noteOf(notice({ status: 'False', reason: 'of_tomorrow' })),
    'it left the pod (measured by the agent of node node-1)',
  )
})
