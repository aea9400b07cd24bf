import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

/** The plugin holds no credential, calls no API and starts no program: what it can reach is what it imports. */

const FOLDER = 'plugin'
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.go') && !name.endsWith('_test.go'))

/** No net/http, no crypto/tls, no os/exec: each new row would be a new thing that the file on every node can do. */
const IMPORTS = [
  ...['bufio', 'encoding/json', 'errors', 'fmt', 'io', 'net', 'os', 'path/filepath', 'slices', 'strings', 'time'],
  ...['skel', 'types', 'version'].map((name) => `github.com/containernetworking/cni/pkg/${name}`),
]

function importsOf(text: string): readonly string[] {
  const block = /^import \(\n([^)]*)\)/m.exec(text)?.[1] ?? /^import (.*)$/m.exec(text)?.[1] ?? ''
  return [...block.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name)
}

test('the plugin imports nothing by which a token could be read into a request, or a program started', () => {
  assert.ok(FILES.length > 0)
  const found = new Set(FILES.flatMap((name) => importsOf(readFileSync(join(FOLDER, name), 'utf8'))))
  assert.deepEqual([...found].toSorted(), IMPORTS.toSorted())
})

test('the one connection that the plugin makes is to the socket of its own node', () => {
  const calls = FILES.flatMap((name) => [
    ...readFileSync(join(FOLDER, name), 'utf8').matchAll(/\bnet\.(?!Conn\b)\w+\([^,)]*/g),
  ])
  assert.deepEqual(
    calls.map(([call]) => call),
    ['net.DialTimeout("unix"'],
  )
})
