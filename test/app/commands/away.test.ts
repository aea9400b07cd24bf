import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { once } from 'node:events'
import { kubeconfig } from '../../../scripts/cluster/credentials.ts'
import { COMMANDS } from '../../../src/app/commands/commands.ts'
import { runProgram } from '../../../src/app/commands/program.ts'

/** Commands that ask an API server which is not there. */

let folder = ''
let config = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-away-'))
  config = join(folder, 'kubeconfig')
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  // a port that was free a moment ago, where nobody listens any more
  server.close()
  await once(server, 'close')
  await writeFile(config, kubeconfig(`https://127.0.0.1:${address.port}`, 'ca', { token: 't' }))
})
after(async () => await rm(folder, { recursive: true }))

async function sluice(...argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await runProgram(COMMANDS, [...argv, '--kubeconfig', config], {
    env: {},
    stdin: async () => await Promise.resolve(''),
    out: (text) => (out += text),
    err: (text) => (err += text),
    terminal: false,
    stop: new AbortController().signal,
  })
  return { code, out, err }
}

for (const command of ['explain -A', 'status', 'audit', 'plan'])
  test(`${command}: no answer is a failure of one line, which says whom to ask instead, and no empty answer`, async () => {
    const { code, out, err } = await sluice(...command.split(' '))
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, /^error: GET .*ECONNREFUSED 127\.0\.0\.1.*; the API server did not answer: --kubeconfig .*\n$/)
  })

test('a check that could ask nobody is unknown, not passed', async () => {
  const { code, out } = await sluice('check')
  assert.equal(code, 4)
  assert.doesNotMatch(out, /^√/m)
})

test('a bundle of nothing is a failure, and says why in itself', async () => {
  const to = join(folder, 'bundle')
  const { code, err } = await sluice('bundle', '--to', to)
  assert.equal(code, 1)
  assert.match(err, /^\d+ things could not be read; problems\.txt says which/)
  assert.match(await readFile(join(to, 'problems.txt'), 'utf8'), /^nodes: .*ECONNREFUSED/m)
  assert.match((await sluice('bundle', '--to', to)).err, /cannot write .*: it is there already, and is not replaced/)
})
