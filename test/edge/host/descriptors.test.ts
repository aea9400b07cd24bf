import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { test } from 'node:test'
import { setAside } from '../../../src/edge/host/descriptors.ts'
import { namespaceId } from '../../../src/edge/host/namespaces.ts'

const HERE = new URL('../../../src/edge/host/descriptors.ts', import.meta.url).href

/** What `expression` is in a process that may open `limit` descriptors. */
function under(limit: number, expression: string): unknown {
  const program = `import { descriptorLimit, setAside } from '${HERE}'; console.log(JSON.stringify(${expression}))`
  const command = `ulimit -n ${limit} && exec "$0" --input-type=module -e "$1"`
  return JSON.parse(execFileSync('/bin/sh', ['-c', command, process.execPath, program], { encoding: 'utf8' }))
}

test('what is set aside is the same file, beyond what select can wait for', () => {
  const fd = openSync('/proc/self/ns/net', 'r')
  const copies = [setAside(fd), setAside(fd)]
  for (const copy of copies) {
    assert.ok(copy >= 1024, `${copy}`)
    assert.equal(namespaceId(copy), namespaceId(fd))
  }
  for (const one of [fd, ...copies]) closeSync(one)
})

test('where a process may not open so many, it is a copy all the same', () => {
  assert.deepEqual(under(512, 'setAside(1) < 512'), true)
})

test('the limit is that of the process', () => {
  assert.equal(under(512, 'descriptorLimit()'), 512)
})

test('a descriptor that is not open cannot be set aside, and the error says so', () => {
  assert.throws(() => setAside(999_999), { code: 'EBADF' })
})
