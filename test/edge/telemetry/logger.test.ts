import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { createLogger } from '../../../src/edge/telemetry/logger.ts'

function recorder(): { readonly lines: string[]; readonly destination: Writable } {
  const lines: string[] = []
  const destination = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(chunk.toString())
      done()
    },
  })
  return { lines, destination }
}

test('a line is one JSON object with time, level, fields and message', () => {
  const { lines, destination } = recorder()
  createLogger({ level: 'info', destination }).info({ uid: 'u' }, 'decided')
  const { time, ...rest } = JSON.parse(lines.join('')) as Record<string, unknown>
  assert.deepEqual(rest, { level: 'info', uid: 'u', msg: 'decided' })
  assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
})

test('what may hold a secret is removed', () => {
  const { lines, destination } = recorder()
  const log = createLogger({ level: 'info', destination })
  log.info({
    env: [{ name: 'A', value: 'hunter2' }],
    pod: { spec: 'hunter2' },
    request: { object: 'hunter2' },
  })
  log.info({ headers: { authorization: 'hunter2' }, patch: 'hunter2', token: 'hunter2' })
  assert.equal(lines.length, 2)
  assert.ok(!lines.join('').includes('hunter2'))
})

test('a line below the level is not written', () => {
  const { lines, destination } = recorder()
  createLogger({ level: 'warn', destination }).info('x')
  assert.deepEqual(lines, [])
})
