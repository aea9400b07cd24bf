import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { SystemError } from '../../../src/edge/host/libc.ts'
import { accept, listenSeqpacket } from '../../../src/edge/host/seqpacket.ts'
import { hasOwner, SocketFile } from '../../../src/edge/host/socket-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-socket-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0
const fresh = (): string => join(folder, `socket-${++files}`)

test('an owner is told from nobody, whatever kind of socket it has, and sees no connection', async () => {
  const stream = createServer()
  const seen: Socket[] = []
  stream.on('connection', (socket) => void seen.push(socket))
  const path = fresh()
  await new Promise<void>((resolve) => void stream.listen(path, resolve))
  assert.equal(hasOwner(path), true)
  const { fd, file } = listenSeqpacket(fresh())
  after(() => closeSync(fd))
  assert.equal(file.isInPlace, true)
  assert.equal(hasOwner(join(folder, `socket-${files}`)), true)
  assert.equal(accept(fd), null, 'whoever asks is no client')
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(seen, [])
  const closed = once(stream, 'close')
  stream.close()
  await closed
})

test('nobody owns what is not there, and what a process left that is gone', async () => {
  const path = fresh()
  assert.equal(hasOwner(path), false)
  assert.equal(hasOwner(join(folder, 'no-folder/socket')), false)
  const left = fresh()
  const program = `require('net').createServer().listen(${JSON.stringify(left)}, () => console.log('listens'))`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  assert.equal(hasOwner(left), true)
  assert.throws(() => SocketFile.bind(left, 'stream'), { code: 'EADDRINUSE' })
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.equal(hasOwner(left), false)
  for (const taken of [path, left]) {
    const { fd, file } = SocketFile.bind(taken, 'stream')
    assert.equal(statSync(taken).mode & 0o777, 0o600)
    file.remove()
    closeSync(fd)
  }
})

test('what is no socket belongs to somebody and stays, and so does what a link leads to', () => {
  const [path, link] = [fresh(), fresh()]
  writeFileSync(path, 'of value')
  symlinkSync(path, link)
  for (const [taken, kind] of [
    [path, /is a file and no socket/],
    [link, /is a symbolic link and no socket/],
  ] as const)
    for (const attempt of [() => SocketFile.bind(taken, 'stream'), () => listenSeqpacket(taken)])
      assert.throws(attempt, (error: SystemError) => error.code === 'ENOTSOCK' && kind.test(error.message))
  assert.deepEqual([readFileSync(path, 'utf8'), readlinkSync(link)], ['of value', path])
})

test('a file that was removed or replaced is not taken for its own, and only its own is removed', () => {
  const path = fresh()
  const first = SocketFile.bind(path, 'seqpacket')
  rmSync(path)
  assert.equal(first.file.isInPlace, false)
  const second = SocketFile.bind(path, 'seqpacket')
  assert.deepEqual([first.file.isInPlace, second.file.isInPlace], [false, true])
  first.file.remove()
  assert.equal(second.file.isInPlace, true)
  const elsewhere = fresh()
  renameSync(path, elsewhere)
  mkdirSync(path)
  assert.equal(second.file.isInPlace, false)
  assert.throws(() => SocketFile.bind(path, 'seqpacket'), { code: 'ENOTSOCK' })
  for (const { fd } of [first, second]) closeSync(fd)
})
