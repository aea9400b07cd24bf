import { spawnSync } from 'node:child_process'
import { libc } from './libc.ts'
import { openUserNamespaceOf } from './namespaces.ts'

/** A program to run inside a network namespace, never through a shell. */
export interface Program {
  readonly file: string
  readonly args: readonly string[]
  readonly input: string
  /** all of its environment */
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
}

export type ProgramAnswer =
  | { readonly ok: true; readonly output: string; readonly errors: string }
  | { readonly ok: false; readonly why: 'absent' | 'timeout' | 'failed'; readonly errors: string }

const MAX_OUTPUT = 16 * 1024 * 1024

/**
 * Runs `program` as a child of the calling thread, whose network namespace it inherits. With `users` it enters the user
 * namespace that owns this network namespace as well (by `nsenter`, since a process with threads cannot): the kernel takes
 * an iptables owner match only from there.
 */
export function runProgram(program: Program, netns: number, users: 'own' | 'of-namespace'): ProgramAnswer {
  if (users === 'own') return spawn(program)
  const owner = openUserNamespaceOf(netns)
  try {
    const args = [`--user=/proc/${process.pid}/fd/${owner}`, '--', program.file, ...program.args]
    return spawn({ ...program, file: 'nsenter', args })
  } finally {
    libc().close(owner)
  }
}

function spawn({ file, args, input, env, timeoutMs }: Program): ProgramAnswer {
  const child = spawnSync(file, args, {
    input,
    env,
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_OUTPUT,
    encoding: 'utf8',
  })
  if (child.error !== undefined) {
    const code = (child.error as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return { ok: false, why: 'absent', errors: `${file} is not there` }
    if (code === 'ETIMEDOUT') return { ok: false, why: 'timeout', errors: `${file} did not end within ${timeoutMs} ms` }
    return { ok: false, why: 'failed', errors: `${file}: ${child.error.message}` }
  }
  const errors = child.stderr.trim()
  if (child.status === 0) return { ok: true, output: child.stdout, errors }
  return {
    ok: false,
    why: 'failed',
    errors: errors === '' ? `${file} ended with ${String(child.status ?? child.signal)}` : errors,
  }
}
