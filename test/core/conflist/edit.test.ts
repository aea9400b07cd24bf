import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readConfiguration } from '../../../src/core/conflist/configuration.ts'
import { entriesIn, hasEntry, withEntry, withoutEntries } from '../../../src/core/conflist/edit.ts'
import { pluginEntry } from '../../../src/core/conflist/entry.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { listText } from './generated.ts'
import { VENDORS } from './vendors.ts'

const ENTRY = pluginEntry({ socket: '/var/run/sluice/cni.sock', excludeNamespaces: ['kube-system'] })
const OLDER = pluginEntry({ socket: '/var/run/sluice/old.sock', excludeNamespaces: [] })
const TYPE = 'sluice-cni'
const lists = [...VENDORS].filter(([file]) => file.endsWith('.conflist'))

function parsed(text: string): JsonObject {
  return JSON.parse(text) as JsonObject
}

test("what is added and taken away again leaves each vendor's file byte for byte", () => {
  assert.ok(lists.length >= 10)
  for (const [file, text] of lists) {
    const added = withEntry(text, ENTRY)
    assert.notEqual(added, text, file)
    assert.equal(withoutEntries(added, TYPE), text, file)
  }
})

test('nothing but the entry differs, and it comes last', () => {
  for (const [file, text] of lists) {
    const { plugins, ...rest } = parsed(text)
    const { plugins: after, ...restAfter } = parsed(withEntry(text, ENTRY))
    assert.deepEqual(restAfter, rest, file)
    assert.deepEqual(after, [...(plugins as JsonObject[]), ENTRY], file)
  }
})

test('on generated lists of any manner, adding is undone byte for byte, adds once, and keeps all else', () => {
  fc.assert(
    fc.property(listText, (text) => {
      assert.equal(readConfiguration(text, 'list').is, 'list')
      const added = withEntry(text, ENTRY)
      assert.equal(withoutEntries(added, TYPE), text)
      assert.equal(withEntry(added, ENTRY), added)
      assert.deepEqual(parsed(added), { ...parsed(text), plugins: [...(parsed(text)['plugins'] as []), ENTRY] })
    }),
    { numRuns: 1000 },
  )
})

test('an older entry is replaced and not joined by a second one', () => {
  fc.assert(
    fc.property(listText, (text) => {
      assert.equal(withEntry(withEntry(text, OLDER), ENTRY), withEntry(text, ENTRY))
    }),
  )
})

test('entries in front of others, and several of them, become one at the end', () => {
  const [file, plugin, other] = ['{"name":"n","plugins":[%]}', JSON.stringify(OLDER), '{"type":"calico"}']
  for (const plugins of [
    [plugin, other],
    [plugin, plugin, other],
    [plugin, other, plugin],
    [other, plugin, plugin],
  ]) {
    const text = file.replace('%', plugins.join(', '))
    assert.equal(withoutEntries(text, TYPE), file.replace('%', other))
    assert.deepEqual(parsed(withEntry(text, ENTRY))['plugins'], [{ type: 'calico' }, ENTRY])
  }
})

test('an entry is as it should be whatever the order of its keys, and not with one field more or less', () => {
  const list = (entry: JsonObject): string => `{"name":"n","plugins":[{"type":"calico"},${JSON.stringify(entry)}]}`
  const less = { ...ENTRY, capabilities: undefined }
  assert.equal(hasEntry(list(Object.fromEntries(Object.entries(ENTRY).reverse())), ENTRY), true)
  assert.equal(hasEntry(list({ ...ENTRY, more: 1 }), ENTRY), false)
  assert.equal(hasEntry(list(less), ENTRY), false)
  assert.equal(hasEntry('{"name":"n","plugins":[{"type":"calico"}]}', ENTRY), false)
})

test('the manner of the neighbour is taken up: indent and line ends', () => {
  const tabs = '{\n\t"name": "n",\n\t"plugins": [\n\t\t{\n\t\t\t"type": "calico"\n\t\t}\n\t]\n}'
  assert.match(withEntry(tabs, ENTRY), /\n\t\t\},\n\t\t\{\n\t\t\t"type": "sluice-cni"/)
  const crlf = withEntry(tabs.replaceAll('\n', '\r\n'), ENTRY)
  assert.equal(crlf.replaceAll('\r\n', '').includes('\n'), false)
  assert.doesNotMatch(withEntry('{"name":"n","plugins":[{"type":"calico"}]}', ENTRY), /\n/)
})

test('the list that counts is the last `plugins` of the object, as in the runtimes, however the key is spelt', () => {
  const text = '{"name":"n","plugins":[{"type":"a"}],"x":{"plugins":[1]},"pl\\u0075gins":[{"type":"b"}]}'
  const added = withEntry(text, ENTRY)
  assert.match(added, /\[\{"type":"b"\},\{"type":"sluice-cni"/)
  assert.equal(withoutEntries(added, TYPE), text)
})

test('numbers beyond a double, escapes and keys out of order are not touched', () => {
  const text =
    '{"plugins":[{"mtu":12345678901234567890,"x":1.0,"y":"\\u00e9<&>","type":"calico"}],"name":"n","cniVersion":"1.1.0"}'
  assert.ok(withEntry(text, ENTRY).startsWith(text.slice(0, text.indexOf('}]'))))
})

test('what is added is ASCII, so that it means the same in a file of any encoding', () => {
  const added = withEntry('{"name":"n","plugins":[{"type":"c"}]}', { ...ENTRY, socket: '/run/süß/😀' })
  assert.match(added, /^[\x20-\x7e]*$/)
  assert.equal(entriesIn(added, TYPE)[0]?.['socket'], '/run/süß/😀')
})

test('a text that is no usable list stays as it is', () => {
  for (const text of [
    '',
    '{ not json',
    '[]',
    '{"name":"n","plugins":[]}',
    '{"name":"n","plugins":{}}',
    '{"plugins":[{"type":"a"}]}',
  ])
    assert.equal(withEntry(text, ENTRY), text)
})
