import fc from 'fast-check'
import type { Json, JsonObject } from '../../../src/core/json/value.ts'

/** Plugins of others, with whatever fields. */
const plugin = fc
  .record({
    type: fc.constantFrom('calico', 'bridge', 'portmap', 'a"b', 'ü'),
    rest: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
  })
  .map(({ type, rest }): JsonObject => ({ ...rest, type }))

const members = fc.record({
  cniVersion: fc.constantFrom('0.3.1', '1.0.0'),
  name: fc.string({ minLength: 1 }),
  disableCheck: fc.boolean(),
  plugins: fc.array(plugin, { minLength: 1, maxLength: 4 }),
})

const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/)

/** The text of a list of plugins in any manner: indented, on one line, or with white space wherever JSON allows it. */
export const listText: fc.Arbitrary<string> = fc.oneof(
  fc
    .tuple(members, fc.constantFrom('', '  ', '\t', '    '), fc.constantFrom('\n', '\r\n'), fc.boolean())
    .map(([list, indent, end, last]) => JSON.stringify(list, null, indent).replaceAll('\n', end) + (last ? end : '')),
  fc.tuple(members, fc.infiniteStream(space)).map(([list, spaces]) => spaced(list, spaces)),
)

/** The text of a configuration of one plugin, in such manners too. */
export const singleText: fc.Arbitrary<string> = fc
  .tuple(plugin, fc.option(fc.constantFrom('0.3.1', '0.4.0')), fc.infiniteStream(space))
  .map(([one, version, spaces]) =>
    spaced({ ...(version === null ? {} : { cniVersion: version }), name: 'net', ...one }, spaces),
  )

function spaced(value: Json, spaces: Iterator<string>): string {
  const next = (): string => String(spaces.next().value)
  const print = (one: Json | undefined): string => {
    if (Array.isArray(one)) return `[${(one as Json[]).map(print).join(',') || next()}]`
    if (typeof one !== 'object' || one === null) return `${next()}${JSON.stringify(one)}${next()}`
    const entries = Object.entries(one).map(
      ([key, inner]) => `${next()}${JSON.stringify(key)}${next()}:${print(inner)}`,
    )
    return `${next()}{${entries.join(',')}${next()}}${next()}`
  }
  return print(value)
}
