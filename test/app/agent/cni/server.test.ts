import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { PodQueue } from '../../../../src/app/agent/cni/pod-queue.ts'
import { CniServer } from '../../../../src/app/agent/cni/server.ts'
import { libc } from '../../../../src/edge/host/libc.ts'
import { SocketFile, unixAddress } from '../../../../src/edge/host/socket-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-server-'))
after(() => rmSync(folder, { recursive: true }))

/** What Node tells just before it listens, and when it could not. */
const BEFORE = 'tracing:net.server.listen:asyncStart'
const FAILED = 'tracing:net.server.listen:error'

test('where listening fails, the cause is told, no descriptor is closed twice, and no file is left', async () => {
  const other = SocketFile.bind(join(folder, 'other'), 'stream')
  libc().listen(other.fd, 1)
  let next: number | undefined
  // the kernel does not let a socket listen that is connected
  const connectIt = (message: unknown): void => {
    const { fd } = (message as { readonly options: { readonly fd: number } }).options
    const address = unixAddress(join(folder, 'other'))
    assert.equal(libc().connect(fd, address, address.length), 0)
  }
  // whoever opens something next gets the number that has just become free
  const openNext = (): void => void (next = openSync('/dev/null', 'r'))
  subscribe(BEFORE, connectIt)
  subscribe(FAILED, openNext)
  const path = join(folder, 'cni.sock')
  try {
    const fault = (): void => assert.fail('nobody asks')
    const unused = { sandboxes: null as never, queue: new PodQueue({ running: 1, waiting: 1 }), record: fault }
    await assert.rejects(CniServer.listen({ socket: path, ...unused, report: fault }), { code: 'EINVAL' })
  } finally {
    unsubscribe(BEFORE, connectIt)
    unsubscribe(FAILED, openNext)
  }
  assert.ok(next !== undefined)
  assert.ok(fstatSync(next).isCharacterDevice())
  closeSync(next)
  assert.equal(existsSync(path), false)
  closeSync(other.fd)
})
