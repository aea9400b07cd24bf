import koffi from 'koffi'

/**
 * The few system calls that Node does not offer: entering a network namespace, netlink sockets, the original destination
 * of a redirected connection. All are synchronous and belong to the calling thread, so they are called from the worker.
 * 64-bit Linux with glibc; nothing is loaded before the first call, so that other systems can import this file.
 */
interface Libc {
  readonly setns: (fd: number, type: number) => number
  readonly unshare: (flags: number) => number
  readonly setfsuid: (uid: number) => number
  readonly setfsgid: (gid: number) => number
  readonly socket: (domain: number, type: number, protocol: number) => number
  readonly open: (path: string, flags: number) => number
  readonly close: (fd: number) => number
  readonly bind: (fd: number, address: Buffer, length: number) => number
  readonly listen: (fd: number, backlog: number) => number
  readonly accept4: (fd: number, address: null, length: null, flags: number) => number
  readonly connect: (fd: number, address: Buffer, length: number) => number
  readonly send: (fd: number, data: Buffer, length: number, flags: number) => number
  readonly recv: (fd: number, data: Buffer, length: number, flags: number) => number
  readonly recvfrom: (
    fd: number,
    data: Buffer,
    length: number,
    flags: number,
    from: Buffer,
    fromLength: Buffer,
  ) => number
  readonly poll: (fds: Buffer, count: number, timeoutMs: number) => number
  readonly setsockopt: (fd: number, level: number, name: number, value: Buffer, length: number) => number
  readonly getsockopt: (fd: number, level: number, name: number, value: Buffer, length: Buffer) => number
  readonly getsockname: (fd: number, address: Buffer, length: Buffer) => number
  readonly memfd_create: (name: string, flags: number) => number
  readonly if_nametoindex: (name: string) => number
  readonly getpeername: (fd: number, address: Buffer, length: Buffer) => number
  readonly ioctl: (fd: number, request: number, argument: number) => number
  readonly sendmsg: (fd: number, message: Buffer, flags: number) => number
  readonly recvmsg: (fd: number, message: Buffer, flags: number) => number
  readonly pthread_sigmask: (how: number, set: Buffer, before: Buffer | null) => number
  readonly eventfd: (value: number, flags: number) => number
  readonly fcntl: (fd: number, command: number, argument: number) => number
  readonly getrlimit: (resource: number, limits: Buffer) => number
}

let loaded: Libc | undefined

/** The C library of this process. Throws where there is none of that name (not Linux, or not glibc). */
export function libc(): Libc {
  if (loaded !== undefined) return loaded
  const library = koffi.load('libc.so.6')
  // koffi types every function as `any`: what each one takes and gives is said by the interface above
  const func = (prototype: string): never => library.func(prototype) as never
  loaded = {
    setns: func('int setns(int, int)'),
    unshare: func('int unshare(int)'),
    setfsuid: func('int setfsuid(uint32_t)'),
    setfsgid: func('int setfsgid(uint32_t)'),
    socket: func('int socket(int, int, int)'),
    open: func('int open(const char *, int)'),
    close: func('int close(int)'),
    bind: func('int bind(int, const void *, uint32_t)'),
    listen: func('int listen(int, int)'),
    accept4: func('int accept4(int, void *, void *, int)'),
    connect: func('int connect(int, const void *, uint32_t)'),
    send: func('int64_t send(int, const void *, uint64_t, int)'),
    recv: func('int64_t recv(int, void *, uint64_t, int)'),
    recvfrom: func('int64_t recvfrom(int, void *, uint64_t, int, void *, void *)'),
    poll: func('int poll(void *, uint64_t, int)'),
    setsockopt: func('int setsockopt(int, int, int, const void *, uint32_t)'),
    getsockopt: func('int getsockopt(int, int, int, void *, void *)'),
    getsockname: func('int getsockname(int, void *, void *)'),
    memfd_create: func('int memfd_create(const char *, uint32_t)'),
    if_nametoindex: func('uint32_t if_nametoindex(const char *)'),
    getpeername: func('int getpeername(int, void *, void *)'),
    ioctl: func('int ioctl(int, uint64_t, int64_t)'),
    sendmsg: func('int64_t sendmsg(int, const void *, int)'),
    recvmsg: func('int64_t recvmsg(int, void *, int)'),
    pthread_sigmask: func('int pthread_sigmask(int, const void *, void *)'),
    eventfd: func('int eventfd(uint32_t, int)'),
    fcntl: func('int fcntl(int, int, int)'),
    getrlimit: func('int getrlimit(int, void *)'),
  }
  return loaded
}

/** A system call that failed, with the errno's name as `code`, as Node's own errors have it. */
export class SystemError extends Error {
  readonly code: string

  constructor(call: string, code: string) {
    super(`${call}: ${code}`)
    this.name = 'SystemError'
    this.code = code
  }
}

/** `result`, or a thrown SystemError: call it right after the system call, before anything else changes errno. */
export function check(call: string, result: number): number {
  if (result >= 0) return result
  throw new SystemError(call, errnoName(koffi.errno()))
}

const SIG_BLOCK = 0
const SIG_SETMASK = 2
/** `sigset_t` */
const ALL_SIGNALS = Buffer.alloc(128, 0xff)

/** Does `work` without the calling thread being interrupted by a signal; those that come wait. For what takes EINTR for a failure. */
export function undisturbed<T>(work: () => T): T {
  const before = Buffer.alloc(ALL_SIGNALS.length)
  libc().pthread_sigmask(SIG_BLOCK, ALL_SIGNALS, before)
  try {
    return work()
  } finally {
    libc().pthread_sigmask(SIG_SETMASK, before, null)
  }
}

/** The name of an errno (`ENOENT`), or `errno N` for one that has none here. */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? `errno ${errno}`
}

// EAGAIN and EWOULDBLOCK share a number: the name in use comes last and wins
const NAMES: ReadonlyMap<number, string> = new Map(
  [...Object.entries(koffi.os.errno), ['EAGAIN', 11] as const].map(([name, value]) => [value, name]),
)
