import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
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

/** A process that logs two lines to gathered output, and then does what `after` says. */
function gathering(after: string): ChildProcess {
  const logger = JSON.stringify(new URL('../../../src/edge/telemetry/logger.ts', import.meta.url).href)
  const script = `
    import { createLogger, gatheredOutput } from ${logger}
    let dropped = 0
    const log = createLogger({ level: 'info', destination: gatheredOutput(() => dropped++) })
    log.info('one'); log.info('two'); ${after}`
  return spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // nothing is left where a test fails
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
}

async function messagesOf(child: ChildProcess, count: number): Promise<readonly unknown[]> {
  assert.ok(child.stdout !== null)
  const messages: unknown[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    messages.push((JSON.parse(line) as { readonly msg: unknown }).msg)
    if (messages.length === count) break
  }
  return messages
}

test('lines that are gathered are written though no more come', async () => {
  const child = gathering('process.stdin.resume()') // lives until it is told to end
  const ended = once(child, 'exit')
  assert.deepEqual(await messagesOf(child, 2), ['one', 'two'])
  child.stdin?.end()
  child.kill()
  await ended
})

for (const [how, after] of [
  ['ends', 'process.exit(3)'],
  ['fails', 'setImmediate(() => { throw new Error("on purpose") })'],
  ['dies', 'log.fatal("three"); process.kill(process.pid, "SIGKILL")'],
] as const)
  test(`lines that are gathered are written where the process ${how}`, async () => {
    const child = gathering(after)
    const expected = how === 'dies' ? ['one', 'two', 'three'] : ['one', 'two']
    const [messages] = await Promise.all([messagesOf(child, Number.POSITIVE_INFINITY), once(child, 'exit')])
    assert.deepEqual(messages, expected)
  })

for (const [how, after, code] of [
  ['by itself', 'log.info("three")', 0],
  ['by a call, with much to write', 'for (let at = 0; at < 100; at++) log.info("x".repeat(1000)); process.exit(3)', 3],
] as const)
  test(`a process whose gathered lines nobody reads ends all the same, ${how}`, async () => {
    const child = gathering(`process.stdin.resume().on("end", () => { ${after} })`)
    const ended = once(child, 'exit')
    assert.deepEqual(await messagesOf(child, 2), ['one', 'two'])
    child.stdout?.destroy()
    child.stdin?.end()
    assert.deepEqual(await ended, [code, null])
  })

test('what a slow reader has not taken at the end is written all the same, and in its order', async () => {
  const child = gathering(`
    for (let at = 0; at < 5000; at++) log.info('x'.repeat(100) + at)
    process.stderr.write('all'); process.exit(3)`)
  assert.ok(child.stderr !== null)
  const ended = once(child, 'exit')
  await once(child.stderr, 'data')
  const messages = await messagesOf(child, Number.POSITIVE_INFINITY)
  const numbered = Array.from({ length: 5000 }, (_, at) => `${'x'.repeat(100)}${at}`)
  assert.deepEqual(messages, ['one', 'two', ...numbered])
  assert.deepEqual(await ended, [3, null])
})

test('where nobody takes the lines, so many are kept and the others counted', async () => {
  const child = gathering(`
    for (let at = 0; at < 20000; at++) log.info('x'.repeat(1000))
    process.stderr.write(String(dropped)); process.stderr.end()`)
  assert.ok(child.stderr !== null)
  const ended = once(child, 'exit')
  const dropped = Number(await text(child.stderr))
  const { length } = await messagesOf(child, Number.POSITIVE_INFINITY)
  assert.ok(dropped > 10_000, `${dropped} lines were dropped`)
  assert.equal(length + dropped, 20_002)
  assert.deepEqual(await ended, [0, null])
})
