import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { end, untilEnd } from './world.ts'

const WORLD = JSON.stringify(new URL('./world.ts', import.meta.url).href)

for (const { name, then, by } of [
  { name: 'throws outside of its tests', then: "throw new Error('on purpose')", by: null },
  { name: 'is ended by the runner, whose time is over', then: 'setInterval(() => {}, 1000)', by: 'SIGTERM' },
  { name: 'is ended by hand', then: 'setInterval(() => {}, 1000)', by: 'SIGINT' },
] as const)
  test(`a file that ${name} leaves no namespace behind`, async () => {
    const program = `import { makeNetns } from ${WORLD}; console.log(makeNetns('left').path); ${then}`
    const args = ['--input-type=module-typescript', '--eval', program]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    untilEnd({ [Symbol.asyncDispose]: () => end(child) })
    const gone = once(child, 'exit')
    const [path] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    if (by !== null) {
      assert.ok(existsSync(path))
      child.kill(by)
    }
    assert.notDeepEqual(await gone, [0, null])
    assert.equal(existsSync(path), false)
  })
