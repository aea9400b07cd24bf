import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { tar } from '../../../src/edge/archive/tar.ts'

test('tar itself reads the archive: names, sizes and contents', () => {
  const files = [
    { path: 'a.txt', text: '' },
    { path: 'folder/b.txt', text: `${'ä'.repeat(400)}\n` },
  ]
  const archive = tar(files, new Date('2026-01-01T00:00:00Z'))
  const ask = (...args: readonly string[]): string => execFileSync('tar', args, { input: archive, encoding: 'utf8' })
  assert.deepEqual(ask('-tf', '-').trim().split('\n'), ['a.txt', 'folder/b.txt'])
  assert.equal(ask('-xOf', '-', 'folder/b.txt'), files[1]?.text)
  assert.throws(() => tar([{ path: 'x'.repeat(101), text: '' }], new Date(0)), /too long/)
})
