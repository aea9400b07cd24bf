import { build } from 'esbuild'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
/** Below node_modules, so that a native part is found from there. */
const OUT = join(ROOT, 'node_modules/.cache/bench')

/**
 * Starts a file of bench/ in a process of its own, bundled and started as in the image: read as TypeScript, a process holds the
 * compiler as well. It talks by messages.
 */
export async function start(script: string, ...args: readonly string[]): Promise<ChildProcess> {
  const thread = 'src/edge/host/netns-thread.ts'
  await build({
    entryPoints: [join(ROOT, 'bench', script), join(ROOT, thread)],
    entryNames: '[name]',
    outdir: OUT,
    ...{ bundle: true, format: 'esm', platform: 'node', target: 'node24', minify: true, keepNames: true },
    external: ['koffi', 'esbuild'],
    outExtension: { '.js': '.mjs' },
    banner: {
      js: `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);`,
    },
    logLevel: 'warning',
  })
  const name = script.replace(/^.*\//, '').replace(/\.ts$/, '.mjs')
  // the log goes where a container's does: through standard output, here to nowhere
  return fork(join(OUT, name), args, {
    execArgv: ['--expose-gc', '--max-semi-space-size=4'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}

/** The next message of `child`; throws where it ends before. */
export async function receive<T>(child: ChildProcess): Promise<T> {
  const gone = new AbortController()
  const exited = once(child, 'exit', { signal: gone.signal }).then(() => {
    throw new Error('a process of the benchmark ended before its time')
  })
  exited.catch(() => undefined)
  const [message] = (await Promise.race([once(child, 'message'), exited])) as [T]
  gone.abort()
  return message
}

/** Sends `order` and waits for the answer. */
export async function ask<T>(child: ChildProcess, order: object | string): Promise<T> {
  child.send(order)
  return await receive<T>(child)
}
