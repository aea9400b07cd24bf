import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parse } from 'yaml'
import { render } from '../../../src/app/commands/output.ts'

const yaml = (value: unknown): string => render({ output: 'yaml' }, value, () => '')

test('property: what is printed as YAML means the same to readers of both versions, and as JSON, and shows all it has', () => {
  const odd = fc.constantFrom(
    ...[
      'yes',
      'no',
      'on',
      'Off',
      'y',
      'n',
      '0644',
      '0o17',
      '1:30',
      '1_000',
      '2001-01-01',
      '~',
      'null',
      '.inf',
      '0x1F',
      '1e3',
    ],
    ...['- a', 'a: b', '# c', '---', '%YAML', '|', '&a', '*a', '!x', 'a\tb', ' x ', 'a\n\n', 'a\r\nb', '\\u202e'],
    ...['a\u202eb\nc', '\u2028', '\u0085', '\ufeff', `${'word '.repeat(60)}\u200f\n\n${'w '.repeat(50)}`],
  )
  const key = fc.oneof(
    odd.filter(({ length }) => length < 20),
    fc.string({ maxLength: 20 }).filter((text) => text !== '<<'),
  )
  const text = fc.oneof(odd, fc.string({ unit: 'binary' }))
  const { value } = fc.letrec((of) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      ...[text, fc.integer(), fc.boolean(), fc.constant(null)],
      ...[fc.array(of('value')), fc.dictionary(key, of('value'))],
    ),
  }))
  fc.assert(
    fc.property(value, (one) => {
      const shown = [JSON.stringify({ one }), yaml({ one }), render({ output: 'json' }, { one }, () => '')] as const
      const [plain, asYaml, asJson] = shown
      const of = (version: '1.1' | '1.2'): unknown => parse(asYaml, { version, logLevel: 'error' }) as unknown
      assert.deepEqual(JSON.parse(JSON.stringify(of('1.1'))), JSON.parse(plain))
      assert.deepEqual(JSON.parse(JSON.stringify(of('1.2'))), JSON.parse(plain))
      assert.deepEqual(JSON.parse(asJson), JSON.parse(plain))
      for (const printed of [asYaml, asJson]) assert.doesNotMatch(printed, /[\u202e\u200f\u0085\u2028\t\r]/)
    }),
    { numRuns: 200 },
  )
})

test('what stands in two places of an answer is printed in both', () => {
  const twice = ['a']
  assert.equal(yaml({ one: twice, other: twice }), 'one:\n  - a\nother:\n  - a\n')
})
