import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { kubeconfig } from '../../../scripts/cluster/credentials.ts'
import { makeFolder } from '../../../src/edge/files/make-folder.ts'
import { temporaryDirectory } from '../tls/temporary-directory.ts'

test('a folder is made with those above it, and one that is there is left as it is', async (t) => {
  const top = await temporaryDirectory(t)
  const folder = join(top, 'a', 'b', 'c')
  makeFolder(folder, 0o700)
  makeFolder(folder, 0o755)
  for (const path of [join(top, 'a'), folder]) assert.equal(statSync(path).mode & 0o777, 0o700)
})

test('what stands in the way is named: a file, a link that leads nowhere, a file system that takes no folder', async (t) => {
  const top = await temporaryDirectory(t)
  writeFileSync(join(top, 'file'), '')
  symlinkSync('nowhere', join(top, 'link'))
  for (const path of [join(top, 'file'), join(top, 'file', 'a', 'b')])
    assert.throws(() => makeFolder(path, 0o700), { message: `${join(top, 'file')} is no folder` })
  assert.throws(() => makeFolder(join(top, 'link'), 0o700), { code: 'EEXIST' })
  assert.throws(() => makeFolder('/proc/self/fd/x/y', 0o700), { message: '/proc/self/fd takes no folder' })
})

test('a command whose folder can be made nowhere ends, with one sentence', async (t) => {
  const config = join(await temporaryDirectory(t), 'kubeconfig')
  // nobody listens there
  writeFileSync(config, kubeconfig('https://127.0.0.1:1', 'ca', { token: 't' }))
  for (const { argv, says } of [
    { argv: ['certs', '--certs-dir'], says: 'no certificate in /proc/sluice/x: /proc takes no folder' },
    {
      argv: ['bundle', '--kubeconfig', config, '--to'],
      says: 'cannot write /proc/sluice/x: /proc takes no folder',
    },
  ]) {
    const run = spawnSync(process.execPath, ['src/main.ts', ...argv, '/proc/sluice/x'], {
      encoding: 'utf8',
      timeout: 60_000,
      // an endless system call of Node's own outlives a polite signal
      killSignal: 'SIGKILL',
    })
    assert.equal(run.status, 1)
    assert.ok(run.stderr.endsWith(`error: ${says}\n`), run.stderr)
  }
})
