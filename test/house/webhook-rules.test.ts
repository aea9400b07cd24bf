import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const RULES = 47
const page = readdirSync('docs/decisions').find((name) => name.endsWith('-webhook-rules.md')) ?? ''

/** The rows of the page's table: number, and what shows the rule. */
function rows(): readonly { readonly number: number; readonly shown: string }[] {
  const lines = readFileSync(`docs/decisions/${page}`, 'utf8').split('\n')
  return lines.flatMap((line) => {
    const [, number, , shown] = /^\| (\d+) \| (.*?) \| (.*) \|$/.exec(line) ?? []
    return number === undefined || shown === undefined ? [] : [{ number: Number(number), shown }]
  })
}

test('each of the 47 rules stands in the page once, in order', () => {
  assert.deepEqual(
    rows().map(({ number }) => number),
    Array.from({ length: RULES }, (_, index) => index + 1),
  )
})

test('a rule is shown by tests that exist, or says why not', () => {
  let named = 0
  for (const { number, shown } of rows()) {
    const tests = [...shown.matchAll(/`(test\/[^`]+)`: (.*?)(?=; `test\/|; docs\/|$)/g)]
    named += tests.length
    assert.ok(tests.length > 0 || /^reason: .{30,}/.test(shown), `rule ${number} names no test and no reason`)
    for (const [, file = '', name = ''] of tests) {
      assert.ok(existsSync(file), `rule ${number}: ${file}`)
      assert.ok(readFileSync(file, 'utf8').includes(name), `rule ${number}: ${file} has no test "${name}"`)
    }
  }
  assert.ok(named > 30, `${named} tests are named`)
})
