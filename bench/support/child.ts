import { build } from 'esbuild'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { BUNDLE } from '../../scripts/bundle.ts'
import { imageConfig } from '../../scripts/image/image.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Below node_modules, so that a native part is found from there. */
const OUT = join(ROOT, 'node_modules/.cache/bench')

/** How a process is started: Node's flags, and its environment beside this process's. */
interface Runtime {
  readonly flags: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/**
 * Starts a file of bench/ in a process of its own, bundled and started as in the image: read as TypeScript, a process holds the
 * compiler as well. It talks by messages.
 */
export async function start(script: string, ...args: readonly string[]): Promise<ChildProcess> {
  return await startAs(webhookRuntime(), script, args)
}

/** The same for the agent, started as its DaemonSet starts it. */
export async function startAgentProcess(): Promise<ChildProcess> {
  return await startAs(agentRuntime(), 'server/agent.ts', [])
}

/** How the DaemonSet has Node and the C library behave. */
export function agentRuntime(): Runtime {
  return runtimeOf('DaemonSet')
}

/** The same of the webhook's Deployment. */
function webhookRuntime(): Runtime {
  return runtimeOf('Deployment')
}

function runtimeOf(kind: 'Deployment' | 'DaemonSet'): Runtime {
  const objects = parseAllDocuments(readFileSync(join(ROOT, 'manifests/sluice.yaml'), 'utf8')).map(
    (document) => document.toJS() as { readonly kind?: string; readonly spec?: unknown },
  )
  const { spec } = objects.find((object) => object.kind === kind) as {
    readonly spec: { readonly template: { readonly spec: { readonly containers: readonly [Container] } } }
  }
  const [{ command = imageConfig().entrypoint, env }] = spec.template.spec.containers
  const flags = command.filter((word) => word.startsWith('--'))
  const ofLibrary = env.flatMap(({ name, value }) => (name.startsWith('MALLOC_') ? [[name, value ?? '']] : []))
  return { flags, env: Object.fromEntries(ofLibrary) as Runtime['env'] }
}

interface Container {
  /** absent: the image's */
  readonly command?: readonly string[]
  readonly env: readonly { readonly name: string; readonly value?: string }[]
}

async function startAs({ flags, env }: Runtime, script: string, args: readonly string[]): Promise<ChildProcess> {
  const threads = ['src/edge/host/netns-thread.ts', 'src/app/agent/ambient/ztunnel-thread.ts']
  await build({
    ...BUNDLE,
    entryPoints: [join(ROOT, 'bench', script), ...threads.map((thread) => join(ROOT, thread))],
    outdir: OUT,
    external: [...BUNDLE.external, 'esbuild'],
    outExtension: { '.js': '.mjs' },
  })
  const name = script.replace(/^.*\//, '').replace(/\.ts$/, '.mjs')
  // the log goes where a container's does: through standard output, here to nowhere
  return fork(join(OUT, name), args, {
    execArgv: ['--expose-gc', ...flags],
    env: { ...process.env, ...env },
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
