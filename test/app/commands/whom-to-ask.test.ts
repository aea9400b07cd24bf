import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { once } from 'node:events'
import { kubeconfig } from '../../../scripts/cluster/credentials.ts'
import { type Run, sluice } from './run-sluice.ts'

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

const asking = async (...argv: readonly string[]): Promise<Run> => await sluice([...argv, '--kubeconfig', config])

for (const command of ['explain -A', 'status', 'audit', 'plan'])
  test(`${command}: no answer is a failure of one line, which says whom to ask instead, and no empty answer`, async () => {
    const { code, out, err } = await asking(...command.split(' '))
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, /^error: GET .*ECONNREFUSED 127\.0\.0\.1.*; the API server did not answer: --kubeconfig .*\n$/)
  })

for (const { name, text, context, says } of [
  { name: 'is empty', text: '', says: /: expected a document, but the input is empty$/ },
  { name: 'is no YAML', text: 'a: [1\n', says: /: deficient indentation \(2:1\)$/ },
  { name: 'is another text', text: 'just text', says: /it is no kubeconfig: it has no contexts$/ },
  {
    name: 'has no current context',
    text: 'contexts: [{ name: a, context: { cluster: c, user: u } }, { name: b, context: { cluster: c, user: u } }]',
    says: /it has no current-context; --context takes a, b$/,
  },
  {
    name: 'lacks the context that is asked for',
    text: 'contexts: [{ name: a, context: { cluster: c, user: u } }]',
    context: 'prod',
    says: /it has no context prod; --context takes a$/,
  },
  {
    name: 'lacks the cluster of its context',
    text: 'contexts: [{ name: a, context: { cluster: c, user: u } }]\ncurrent-context: a',
    says: /its context a names a cluster that it does not have$/,
  },
])
  test(`a kubeconfig that ${name} is named, and what is wrong with it, in one line`, async () => {
    const file = join(folder, 'other')
    await writeFile(file, text)
    const rest = context === undefined ? [] : ['--context', context]
    const { code, err } = await sluice(['status', ...rest, '--kubeconfig', file])
    assert.equal(code, 1)
    assert.match(err, /^error: no cluster by [^\n]+\n$/)
    assert.match(err.trimEnd(), says)
  })

test('an agent for a node that can be none never starts', async () => {
  for (const node of ['Node 1', '$NODE_NAME', 'a/b']) {
    const { code, err } = await sluice(['agent', '--objects', 'examples', '--node-name', node])
    assert.deepEqual([code, err], [2, `error: --node-name is '${node}', which is no name of a node\n`])
  }
})

test('a check that could ask nobody is unknown, not passed', async () => {
  const { code, out } = await asking('check')
  assert.equal(code, 4)
  assert.doesNotMatch(out, /^√/m)
})

test('a bundle of nothing is a failure, and says why in itself', async () => {
  const to = join(folder, 'bundle')
  const { code, err } = await asking('bundle', '--to', to)
  assert.equal(code, 1)
  assert.match(err, /^\d+ things could not be read; problems\.txt says which/)
  assert.match(await readFile(join(to, 'problems.txt'), 'utf8'), /^nodes: .*ECONNREFUSED/m)
  assert.match((await asking('bundle', '--to', to)).err, /cannot write .*: it is there already, and is not replaced/)
})
