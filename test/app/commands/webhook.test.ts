import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Run, sluice } from './run-sluice.ts'

let directory = ''
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-webhook-'))
})
after(async () => await rm(directory, { recursive: true }))

const stopped = async (...argv: readonly string[]): Promise<Run> => await sluice(argv, { stopped: true })

test('certs makes a CA and a certificate once, readable by their user alone, and says what clients must trust', async () => {
  const folder = join(directory, 'certs')
  const first = JSON.parse((await stopped('certs', '--certs-dir', folder, '-o', 'json')).out) as {
    ca: string
    caBundle: string
  }
  const again = JSON.parse((await stopped('certs', '--certs-dir', folder, '-o', 'json')).out) as { ca: string }
  assert.equal(first.ca, again.ca)
  assert.equal(Buffer.from(first.caBundle, 'base64').toString(), first.ca)
  const key = (await readFile(join(folder, 'current', 'tls.key'), 'utf8')).length
  assert.ok(key > 0)
  assert.equal((await stat(join(folder, 'current', 'tls.key'))).mode & 0o077, 0)
})

for (const { name, argv, says } of [
  {
    name: 'an address without a port',
    argv: ['--objects', 'examples', '--listen', 'localhost'],
    says: /--listen is 'localhost'; it must be host:port/,
  },
  {
    name: 'a name that is none',
    argv: ['--objects', 'examples', '--dns-names', 'a b'],
    says: /--dns-names holds 'a b'/,
  },
  { name: 'a Secret without a cluster', argv: ['--objects', 'examples', '--ca-secret', 'x'], says: /needs a cluster/ },
  {
    name: 'a Secret beside files',
    argv: ['--objects', 'examples', '--ca-secret', 'x', '--tls-cert-file', 'y'],
    says: /exclude each other/,
  },
  { name: 'half a pair of files', argv: ['--objects', 'examples', '--tls-cert-file', 'x'], says: /go together/ },
])
  test(`webhook: ${name} is one sentence and the exit code of usage`, async () => {
    const { code, err } = await stopped('webhook', ...argv)
    assert.equal(code, 2)
    assert.match(err, says)
  })

test('webhook: a kubeconfig that is not there is named, and is no fault of the call', async () => {
  const { code, err } = await stopped('webhook', '--kubeconfig', '/nowhere/config')
  assert.deepEqual([code, err.trim()], [1, 'error: no cluster by /nowhere/config: there is no such file'])
})

test('the webhook as a process serves HTTPS with the certificate that it made, and ends by itself when it is asked to', async () => {
  const folder = join(directory, 'served')
  const child = spawn(
    process.execPath,
    [
      'src/main.ts',
      'webhook',
      '--objects',
      'examples',
      '--listen',
      '127.0.0.1:0',
      '--metrics-listen',
      '127.0.0.1:0',
      '--certs-dir',
      folder,
      '--drain-seconds',
      '0',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  try {
    const line = await serving(child.stdout)
    const ca = (JSON.parse((await stopped('certs', '--certs-dir', folder, '-o', 'json')).out) as { ca: string }).ca
    assert.equal(await status(line.address.port, ca, '/readyz'), 200)
  } finally {
    child.kill('SIGTERM')
  }
  const code = await new Promise((resolve) => child.once('exit', resolve))
  assert.equal(code, 0)
})

/** The log line that says where the server listens. */
async function serving(stdout: NodeJS.ReadableStream): Promise<{ address: { port: number } }> {
  let text = ''
  for await (const chunk of stdout) {
    text += String(chunk)
    const line = text.split('\n').find((candidate) => candidate.includes('"msg":"serving"'))
    if (line !== undefined) return JSON.parse(line) as { address: { port: number } }
  }
  throw new Error(`the webhook ended before it served: ${text}`)
}

async function status(port: number, ca: string, path: string): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, ca, agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode))
    })
      .on('error', reject)
      .end()
  })
}
