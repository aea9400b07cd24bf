import { chmodSync, closeSync, lstatSync, type Stats, unlinkSync } from 'node:fs'
import { check, libc, SystemError } from './libc.ts'

/** Unix sockets by the file that they are bound to: whose it is, and whether it still leads to who bound it (unix(7)). */

export type SocketKind = keyof typeof TYPES

const AF_UNIX = 1
const SOCK_DGRAM = 2
const TYPES = { stream: 1, seqpacket: 5 } as const
const NONBLOCK_CLOEXEC = 0o4000 | 0o2000000
const LONGEST_PATH = 107
/** A connect answered so leads to nobody who lives. Of what is no socket the kernel says ECONNREFUSED too. */
const NOBODY = new Set(['ENOENT', 'ENOTDIR', 'ECONNREFUSED'])

/** `struct sockaddr_un`. Throws a RangeError for a path that does not fit. */
export function unixAddress(path: string): Buffer {
  const name = Buffer.from(path)
  if (name.length === 0 || name.length > LONGEST_PATH || name.includes(0))
    throw new RangeError(`a socket's path has 1 to ${LONGEST_PATH} bytes, without NUL: ${JSON.stringify(path)}`)
  const family = Buffer.alloc(2)
  family.writeUInt16LE(AF_UNIX)
  return Buffer.concat([family, name, Buffer.alloc(1)])
}

/** A socket that is not connected yet; the caller closes it. */
export function openUnix(kind: SocketKind): number {
  return check('socket', libc().socket(AF_UNIX, TYPES[kind] | NONBLOCK_CLOEXEC, 0))
}

/**
 * Does a process that lives own the socket at `path`? Asked by a socket of a kind that neither of ours is: the kernel says whether
 * somebody is there, and whoever it is sees no connection and takes nobody for its client. Throws a SystemError where it cannot be told.
 */
export function hasOwner(path: string): boolean {
  const address = unixAddress(path)
  const fd = check('socket', libc().socket(AF_UNIX, SOCK_DGRAM | NONBLOCK_CLOEXEC, 0))
  try {
    check(`connect ${path}`, libc().connect(fd, address, address.length))
    return true
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    if (error.code === 'EPROTOTYPE') return true
    if (NOBODY.has(error.code)) return false
    throw error
  } finally {
    closeSync(fd)
  }
}

/** A file that a socket of this process is bound to. Its inode is no other file's for as long as the socket is open. */
export class SocketFile {
  readonly #path: string
  readonly #id: string | null

  private constructor(path: string) {
    this.#path = path
    this.#id = idOf(path)
  }

  /**
   * Binds a socket to `path`, for processes of this user alone; whoever calls listens and closes. The socket of a process that is gone
   * is replaced; where an owner lives, this throws a SystemError EADDRINUSE and touches nothing, as with ENOTSOCK what is no socket.
   */
  static bind(path: string, kind: SocketKind): { readonly fd: number; readonly file: SocketFile } {
    const address = unixAddress(path)
    if (hasOwner(path)) throw new SystemError(`bind ${path}`, 'EADDRINUSE')
    const there = lstatSync(path, { throwIfNoEntry: false })
    // somebody's file, which nothing here made
    if (there !== undefined && !there.isSocket())
      throw new SystemError(
        `${path} is ${kindOf(there)} and no socket, and stays until somebody takes it away`,
        'ENOTSOCK',
      )
    removeIfThere(path)
    const fd = openUnix(kind)
    try {
      check(`bind ${path}`, libc().bind(fd, address, address.length))
      // before listen nobody can connect, so nobody sees the mode that the umask gave
      chmodSync(path, 0o600)
      return { fd, file: new SocketFile(path) }
    } catch (error) {
      closeSync(fd)
      throw error
    }
  }

  /** Does the path still lead here? Somebody may have removed the file, or put another one in its place. */
  get isInPlace(): boolean {
    return this.#id !== null && idOf(this.#path) === this.#id
  }

  /** Takes the file away, unless it is another's by now. */
  remove(): void {
    if (this.isInPlace) removeIfThere(this.#path)
  }
}

function idOf(path: string): string | null {
  const there = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return there === undefined ? null : `${there.dev}:${there.ino}`
}

function kindOf(there: Stats): string {
  if (there.isSymbolicLink()) return 'a symbolic link'
  return there.isDirectory() ? 'a directory' : 'a file'
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
