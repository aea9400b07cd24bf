import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, readdir, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { Agent, createServer, request, type Server } from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { TLSSocket } from 'node:tls'
import { CertificateError, readCertificate, type ServingCertificate } from '../../../src/edge/tls/certificate.ts'
import { directoryStore } from '../../../src/edge/tls/directory-store.ts'
import { fileSource } from '../../../src/edge/tls/file-source.ts'
import { issueCa, issueLeaf } from '../../../src/edge/tls/issue.ts'
import { selfMadeSource, type SelfMadeOptions } from '../../../src/edge/tls/self-made-source.ts'
import type { CertificateSource } from '../../../src/edge/tls/source.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const DAY = 86_400_000
const unexpected = (error: unknown): never => {
  throw new Error('nothing should have failed', { cause: error })
}

function selfMade(directory: string, over: Partial<SelfMadeOptions> = {}): CertificateSource {
  return selfMadeSource({
    store: directoryStore(directory),
    names: ['localhost', '127.0.0.1'],
    caName: 'test-ca',
    now: () => new Date(),
    report: unexpected,
    announce: () => undefined,
    ...over,
  })
}

function current(source: CertificateSource): ServingCertificate {
  const certificate = source.current()
  assert.ok(certificate !== undefined)
  return certificate
}

function changed(source: CertificateSource): Promise<ServingCertificate> {
  return new Promise((resolve) => source.onChange(resolve))
}

/** runs a source until the test is over */
function keepRunning(t: TestContext, source: CertificateSource): void {
  const stop = new AbortController()
  const done = source.run(stop.signal)
  t.after(async () => {
    stop.abort()
    await done
  })
}

test('before its first look a source has nothing, and says so', async (t) => {
  const source = selfMade(await temporaryDirectory(t))
  assert.equal(source.current(), undefined)
  assert.equal(source.healthy(new Date()), false)
})

test('a self-made certificate is kept: the next start serves the same one', async (t) => {
  const directory = await temporaryDirectory(t)
  const first = selfMade(directory)
  await first.refresh()
  const again = selfMade(directory, { announce: (what) => unexpected(what) })
  await again.refresh()
  assert.equal(current(again).cert, current(first).cert)
  assert.equal(again.healthy(new Date()), true)
})

test('only the user that runs the server can read what is kept', async (t) => {
  const directory = await temporaryDirectory(t)
  await selfMade(directory).refresh()
  const folder = join(directory, 'current')
  const names = await readdir(folder)
  assert.deepEqual(names.toSorted(), ['ca.crt', 'ca.key', 'tls.crt', 'tls.key'])
  for (const name of names) assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600)
  assert.equal((await stat(folder)).mode & 0o777, 0o700)
})

test('a clock that is an hour behind accepts the certificate', async (t) => {
  const source = selfMade(await temporaryDirectory(t))
  await source.refresh()
  assert.equal(source.healthy(new Date(Date.now() - 3_500_000)), true)
})

test('the certificate is renewed by the wall clock, the CA with overlap, and old versions leave the directory', async (t) => {
  const directory = await temporaryDirectory(t)
  let now = Date.now() - 300 * DAY
  const announced: string[] = []
  const source = selfMade(directory, { now: () => new Date(now), announce: (what) => announced.push(what) })
  const serials: string[] = []
  const authorities: number[] = []
  for (const days of [0, 19, 21, 244, 245, 366]) {
    now = Date.now() - 300 * DAY + days * DAY
    await source.refresh()
    serials.push(readCertificate(current(source).cert).serialNumber)
    authorities.push(current(source).ca.split('BEGIN CERTIFICATE').length - 1)
  }
  assert.deepEqual(authorities, [1, 1, 1, 2, 2, 1])
  assert.equal(serials[0], serials[1])
  assert.equal(new Set(serials).size, 5)
  assert.equal((await readdir(directory)).length, 2)
  assert.deepEqual(announced.filter((what) => what === 'CA').length, 2)
})

test('two servers that start together on one store end with one authority', async (t) => {
  const directory = await temporaryDirectory(t)
  const sources = [selfMade(directory), selfMade(directory)]
  await Promise.allSettled(sources.map((source) => source.refresh()))
  await Promise.all(sources.map((source) => source.refresh()))
  assert.equal(sources[0]?.current()?.ca, sources[1]?.current()?.ca)
})

test('certificates that were spoilt are made anew, and that is reported', async (t) => {
  const directory = await temporaryDirectory(t)
  await selfMade(directory).refresh()
  await writeFile(join(directory, 'current', 'ca.key'), 'spoilt')
  const reports: unknown[] = []
  const source = selfMade(directory, { report: (error) => reports.push(error) })
  await source.refresh()
  assert.equal(source.healthy(new Date()), true)
  assert.match(String(reports[0]), /cannot be used: they are replaced/)
})

async function writePair(directory: string, version: string): Promise<void> {
  const validity = { notBefore: new Date(Date.now() - DAY), notAfter: new Date(Date.now() + DAY) }
  const ca = await issueCa('files', validity)
  const { cert, key } = await issueLeaf(['localhost'], ca, validity)
  await mkdir(join(directory, version))
  await writeFile(join(directory, version, 'tls.crt'), cert)
  await writeFile(join(directory, version, 'tls.key'), key)
  await symlink(version, join(directory, '..data.new'))
  await rename(join(directory, '..data.new'), join(directory, '..data'))
}

test('files that are replaced as a Secret volume does it are served at once; half a pair is not', async (t) => {
  const directory = await temporaryDirectory(t)
  await writePair(directory, 'v1')
  const reports: unknown[] = []
  const source = fileSource({
    certFile: join(directory, '..data', 'tls.crt'),
    keyFile: join(directory, '..data', 'tls.key'),
    report: (error) => reports.push(error),
    everyMs: 50,
  })
  await source.refresh()
  const first = current(source)
  keepRunning(t, source)
  const next = changed(source)
  await writeFile(join(directory, 'v1', 'tls.key'), 'half')
  await assert.rejects(source.refresh(), CertificateError)
  assert.equal(source.current(), first)
  await writePair(directory, 'v2')
  assert.notEqual((await next).cert, first.cert)
})

test('a change is seen by the watch alone, long before the regular look', async (t) => {
  const directory = await temporaryDirectory(t)
  await writePair(directory, 'v1')
  const file = (name: string): string => join(directory, name)
  await symlink('..data/tls.crt', file('tls.crt'))
  await symlink('..data/tls.key', file('tls.key'))
  const source = fileSource({ certFile: file('tls.crt'), keyFile: file('tls.key'), report: unexpected, everyMs: DAY })
  await source.refresh()
  keepRunning(t, source)
  const next = changed(source)
  await writePair(directory, 'v2')
  await next
})

test('a file that is missing is named', async (t) => {
  const directory = await temporaryDirectory(t)
  const source = fileSource({
    certFile: join(directory, 'a.crt'),
    keyFile: join(directory, 'a.key'),
    report: unexpected,
  })
  await assert.rejects(source.refresh(), /a\.(crt|key) cannot be read: ENOENT/)
})

async function serve(t: TestContext, certificate: ServingCertificate): Promise<Server> {
  const server = createServer({ cert: certificate.cert, key: certificate.key }, (_, response) => response.end('ok'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return server
}

async function call(server: Server, ca: string, agent: Agent): Promise<string> {
  const { port } = server.address() as AddressInfo
  const sent = request({ host: '127.0.0.1', port, ca, agent })
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  assert.ok(response.socket instanceof TLSSocket)
  const serial = response.socket.getPeerCertificate().serialNumber
  response.resume()
  await once(response, 'end')
  return serial
}

test('rotations under load lose no call, also for a client that has not heard of the new CA yet', async (t) => {
  let now = Date.now() - 245 * DAY
  const source = selfMade(await temporaryDirectory(t), {
    now: () => new Date(now),
    leafLifeMs: 400 * DAY,
    overlapMs: 0,
  })
  await source.refresh()
  const server = await serve(t, current(source))
  source.onChange((certificate) => server.setSecureContext({ cert: certificate.cert, key: certificate.key }))
  now = Date.now() - DAY // beyond two thirds of the CA
  await source.refresh() // a new CA, and the certificate still signed by the old one
  const bundle = current(source).ca
  const serials = new Set<string>()
  const stop = new AbortController()
  const callers = Array.from({ length: 4 }, async (_, caller) => {
    const agent = new Agent({ keepAlive: caller % 2 === 0, maxCachedSessions: 0 })
    let calls = 0
    for (; !stop.signal.aborted; calls++) serials.add(await call(server, bundle, agent))
    agent.destroy()
    return calls
  })
  for (let rotation = 0; rotation < 5; rotation++) {
    now = Date.now() + rotation // overlap is over: the new CA signs; then nothing is left to do
    await source.refresh()
    const seen = serials.size
    for (let wait = 0; wait < 500 && rotation === 0 && serials.size === seen; wait++)
      await new Promise((resolve) => setImmediate(resolve))
  }
  stop.abort()
  const calls = await Promise.all(callers)
  assert.ok(calls.every((count) => count > 0))
  assert.equal(serials.size, 2)
})
