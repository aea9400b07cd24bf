import { check, libc } from './libc.ts'

const F_DUPFD_CLOEXEC = 1030
const RLIMIT_NOFILE = 7
/** What select(2) can wait for ends below this number: with a socket beyond it, libnftables ends the process. */
const BEYOND_SELECT = 1024

/**
 * A copy of `fd` to be kept for long. It lies beyond what select(2) knows, so that however many are kept, the numbers below stay free for
 * whoever must wait by it; where this process may not open so many, it is the lowest that is free. Throws a SystemError where none is.
 */
export function setAside(fd: number): number {
  const beyond = libc().fcntl(fd, F_DUPFD_CLOEXEC, BEYOND_SELECT)
  return beyond >= 0 ? beyond : check('fcntl F_DUPFD_CLOEXEC', libc().fcntl(fd, F_DUPFD_CLOEXEC, 0))
}

/** How many descriptors this process may have open. Node has raised it to the hard limit when it started. */
export function descriptorLimit(): number {
  const limits = Buffer.alloc(16)
  check('getrlimit', libc().getrlimit(RLIMIT_NOFILE, limits))
  return Number(limits.readBigUInt64LE(0))
}
