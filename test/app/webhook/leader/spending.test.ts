import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Spending } from '../../../../src/app/webhook/leader/spending.ts'
import { SYSTEM_CLOCK } from '../../../../src/edge/cluster/clock.ts'

const MINUTE_MS = 60_000

/** By a clock that stands where the test puts it. */
function spending(): { readonly spent: Spending; readonly at: (ms: number) => void } {
  let now = 0
  const clock = { ...SYSTEM_CLOCK, now: () => now }
  const limits = { minuteMs: MINUTE_MS } as ConstructorParameters<typeof Spending>[0]['limits']
  return { spent: new Spending({ clock, limits }), at: (ms) => (now = ms) }
}

const asks = (...nodes: readonly string[]) => nodes.map((node, at) => ({ node, at }))

test('nodes take turns: each has one before any has two, and those of which more was spent come later', () => {
  const { spent, at } = spending()
  const inTurns = (...nodes: readonly string[]): readonly number[] => spent.inTurns(asks(...nodes)).map(({ at }) => at)
  assert.deepEqual(inTurns('a', 'a', 'a', 'b', 'c', 'b'), [0, 3, 4, 1, 5, 2])
  spent.add('b')
  spent.add('b')
  assert.deepEqual(inTurns('b', 'a', 'a', 'a'), [1, 2, 0, 3])
  at(MINUTE_MS)
  assert.deepEqual(inTurns('b', 'a', 'a', 'a'), [0, 1, 2, 3])
  assert.equal(spent.total, 0)
})
