import { writeSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import koffi from 'koffi'
import { check, libc, undisturbed } from './libc.ts'

/** What libnftables said: its output, or its complaint with nothing changed, since a transaction is all or nothing. */
export type NftAnswer = { readonly ok: true; readonly output: string } | { readonly ok: false; readonly error: string }

/** Runs nft text in the calling thread's network namespace. Not for two threads: the library keeps process-wide state. */
export type Nft = (text: string) => NftAnswer

interface Api {
  readonly create: (flags: number) => bigint | null
  readonly free: (context: bigint) => void
  readonly bufferOutput: (context: bigint) => number
  readonly bufferError: (context: bigint) => number
  readonly run: (context: bigint, text: string) => number
  readonly runFile: (context: bigint, path: string) => number
  readonly dryRun: (context: bigint, dry: boolean) => void
  readonly output: (context: bigint) => string
  readonly errors: (context: bigint) => string
}

/** What libnftables is linked against. A copy outside the system's library path is found through its neighbours. */
const NEIGHBOURS = ['libmnl.so.0', 'libnftnl.so.11', 'libxtables.so.12', 'libjansson.so.4', 'libgmp.so.10'] as const

/**
 * Loads libnftables from `path` (a bare name is looked up by the dynamic linker). Throws where it, or what it needs, is
 * not there; the caller then falls back to commands.
 */
export function loadLibnftables(path: string): Nft {
  if (isAbsolute(path)) for (const name of NEIGHBOURS) loadIfThere(join(dirname(path), name))
  const library = koffi.load(path)
  const func = (prototype: string): never => library.func(prototype) as never
  const api: Api = {
    create: func('void *nft_ctx_new(uint32_t)'),
    free: func('void nft_ctx_free(void *)'),
    bufferOutput: func('int nft_ctx_buffer_output(void *)'),
    bufferError: func('int nft_ctx_buffer_error(void *)'),
    run: func('int nft_run_cmd_from_buffer(void *, const char *)'),
    runFile: func('int nft_run_cmd_from_filename(void *, const char *)'),
    dryRun: func('void nft_ctx_set_dry_run(void *, bool)'),
    output: func('const char *nft_ctx_get_output_buffer(void *)'),
    errors: func('const char *nft_ctx_get_error_buffer(void *)'),
  }
  return (text) => {
    const context = openContext(api)
    let first: string
    try {
      // it waits for the kernel's answer by select(2): a signal then would be a failure of what the kernel has done already
      if (undisturbed(() => api.run(context, text)) === 0) return { ok: true, output: api.output(context) }
      first = api.errors(context).trim()
    } finally {
      api.free(context)
    }
    return { ok: false, error: complaintAbout(text, api) || first || 'libnftables failed and did not say why' }
  }
}

/**
 * Why `text` is refused, with the line; empty where by now it is not. For a text in memory the library quotes its first line whatever
 * was wrong, so it is read again from a file that has no name, and without effect.
 */
function complaintAbout(text: string, api: Api): string {
  const fd = check('memfd_create', libc().memfd_create('nft', MFD_CLOEXEC))
  const context = openContext(api)
  try {
    writeSync(fd, text)
    const path = `/proc/self/fd/${fd}`
    api.dryRun(context, true)
    undisturbed(() => api.runFile(context, path))
    return api.errors(context).trim().replaceAll(`${path}:`, 'line ')
  } finally {
    api.free(context)
    libc().close(fd)
  }
}

const MFD_CLOEXEC = 1

/** A context opens its netlink socket when it is made, so each belongs to the namespace that the thread is in now. */
function openContext(api: Api): bigint {
  const context = api.create(0)
  // without the two buffers, lists and complaints go to the process's own stdout and stderr
  if (context !== null && api.bufferOutput(context) === 0 && api.bufferError(context) === 0) return context
  if (context !== null) api.free(context)
  throw new Error('libnftables gave no context')
}

/** A neighbour that is absent or built in differently is no failure yet: the library's own loading decides. */
function loadIfThere(path: string): void {
  try {
    koffi.load(path)
  } catch {
    // see above
  }
}
