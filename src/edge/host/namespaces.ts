import { closeSync, fstatSync, openSync } from 'node:fs'
import { messageOf } from '../message-of.ts'
import { check, libc } from './libc.ts'

const CLONE_NEWNET = 0x40000000
const NS_GET_USERNS = 0xb701
const NS_GET_NSTYPE = 0xb703

/** What tells two namespaces apart: device and inode of their file. */
export type NamespaceId = string

/** The file whose namespace is the calling thread's; `/proc/self` would show the main thread's. */
export const OWN_NETNS = '/proc/thread-self/ns/net'

/** An open network namespace. Whoever opened it closes it, once, after the last job in it has been answered. */
export interface NetnsHandle extends Disposable {
  readonly fd: number
  readonly id: NamespaceId
  /** made by another user namespace than this process's (a pod with `hostUsers: false`) */
  readonly foreignUsers: boolean
}

/**
 * Opens the network namespace at `path`. Throws the system's error where the path cannot be opened, and a TypeError where
 * it is something else than a network namespace (a file that a runtime left after the sandbox was gone).
 */
export function openNetns(path: string): NetnsHandle {
  const fd = openSync(path, 'r')
  try {
    if (libc().ioctl(fd, NS_GET_NSTYPE, 0) !== CLONE_NEWNET) throw new TypeError(`${path} is not a network namespace`)
    const owner = openUserNamespaceOf(fd)
    const foreignUsers = namespaceId(owner) !== ownUserNamespace()
    libc().close(owner)
    let open = true
    const close = (): void => {
      if (open) closeSync(fd)
      open = false
    }
    return { fd, id: namespaceId(fd), foreignUsers, [Symbol.dispose]: close }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** Opens the user namespace that owns the network namespace `netns`; the caller closes it by `libc().close`. */
export function openUserNamespaceOf(netns: number): number {
  return check('ioctl NS_GET_USERNS', libc().ioctl(netns, NS_GET_USERNS, 0))
}

function ownUserNamespace(): NamespaceId {
  const fd = openSync('/proc/self/ns/user', 'r')
  try {
    return namespaceId(fd)
  } finally {
    closeSync(fd)
  }
}

/** Device and inode of the namespace behind `fd`. */
export function namespaceId(fd: number): NamespaceId {
  const { dev, ino } = fstatSync(fd, { bigint: true })
  return `${dev}:${ino}`
}

/**
 * Runs `work` with the calling thread inside the namespace `fd` and brings the thread home whatever happens. Synchronous on
 * purpose: whatever is awaited would run elsewhere, or here after somebody else's job.
 */
export function insideNetns<T>(fd: number, home: number, work: () => T): T {
  check('setns', libc().setns(fd, CLONE_NEWNET))
  try {
    return work()
  } finally {
    check('setns home', libc().setns(home, CLONE_NEWNET))
  }
}

/** Why this thread, whose namespace is `home`, cannot make a network namespace; null: it can. */
export function scratchRefusal(home: number): string | null {
  try {
    check('unshare', libc().unshare(CLONE_NEWNET))
  } catch (error) {
    return messageOf(error)
  }
  check('setns home', libc().setns(home, CLONE_NEWNET))
  return null
}

/** Runs `work` in a new network namespace, empty but for a loopback that is down, which ends with it. */
export function insideScratchNetns<T>(home: number, work: () => T): T {
  check('unshare', libc().unshare(CLONE_NEWNET))
  try {
    return work()
  } finally {
    check('setns home', libc().setns(home, CLONE_NEWNET))
  }
}
