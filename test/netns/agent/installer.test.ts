import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

test('on a full and on a read-only disk nothing is half-written, and the installer says which of its parts waits', (t) => {
  const at = mkdtempSync(join(tmpdir(), 'installer-disks-'))
  t.after(() => rmSync(at, { recursive: true, force: true }))
  const script = join(import.meta.dirname, 'installer-on-bad-disks.ts')
  const out = execFileSync('unshare', ['--mount', '--propagation', 'private', process.execPath, script, at], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  const { full, fullForPlugin, readOnly } = JSON.parse(out) as Record<
    string,
    { readonly reason: { readonly code: string } }
  >
  const file = '10-calico.conflist'
  assert.match(JSON.stringify(full?.reason), /cni_write_failed.*ENOSPC/)
  assert.deepEqual(
    { ...full, reason: undefined },
    { left: [file], same: true, then: true, done: true, reason: undefined },
  )
  assert.match(JSON.stringify(fullForPlugin?.reason), /cni_plugin_failed.*ENOSPC/)
  assert.deepEqual({ ...fullForPlugin, reason: undefined }, { left: [], same: true, reason: undefined })
  assert.match(JSON.stringify(readOnly?.reason), /cni_write_failed.*EROFS/)
  assert.deepEqual({ ...readOnly, reason: undefined }, { left: [file], same: true, reason: undefined })
})
