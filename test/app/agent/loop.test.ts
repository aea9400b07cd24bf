import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heartbeats } from '../../../src/app/agent/health.ts'
import { type Loop, periodic } from '../../../src/app/agent/loop.ts'

test('a loop goes on after a turn that failed, and ends when it is told to', async () => {
  const stop = new AbortController()
  const errors: unknown[] = []
  let turns = 0
  const loop = periodic({
    name: 'test',
    everyMs: 1,
    turn: () => {
      turns++
      if (turns === 3) stop.abort()
      else throw new Error(`turn ${turns}`)
    },
    report: (error) => errors.push(error),
  })
  await loop.run(stop.signal)
  assert.deepEqual([turns, errors.length], [3, 2])
})

test('liveness fails for a loop that no longer turns, and for no other', () => {
  const loop = (name: string, ageMs: number): Loop => ({
    name,
    ageMs,
    staleMs: 1000,
    run: async () => Promise.resolve(),
  })
  const checks = heartbeats([loop('good', 900), loop('stuck', 1100)])
  assert.deepEqual(
    checks.map(({ name, is }) => [name, is]),
    [
      ['good', 'ok'],
      ['stuck', 'failed'],
    ],
  )
})
