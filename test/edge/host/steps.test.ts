import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Steps, walk } from '../../../src/edge/host/steps.ts'

test('each step of a job is told, also of one that waits for nothing, so that what others do in between is not its own time', async () => {
  const told: number[] = []
  function* job(): Steps<string> {
    yield { sockets: [], ms: 0 }
    yield { sockets: [], ms: 1 }
    yield { sockets: [], ms: 0 }
    return 'done'
  }
  assert.equal(await walk(job(), (ms) => told.push(ms), new AbortController().signal), 'done')
  assert.deepEqual(told, [0, 1, 0])
})

test('a job that nobody goes on with closes what it opened', async () => {
  const ends: string[] = []
  function* job(): Steps<string> {
    try {
      yield { sockets: [], ms: 3_600_000 }
      return 'done'
    } finally {
      ends.push('closed')
    }
  }
  const stop = new AbortController()
  const walked = walk(job(), () => undefined, stop.signal)
  stop.abort()
  await assert.rejects(walked, { name: 'AbortError' })
  assert.deepEqual(ends, ['closed'])
})
