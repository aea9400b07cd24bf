/**
 * Builds etcd, kube-apiserver, kubectl (and the node's programs) from published Go modules, once for each version, into
 * the cache. The published k8s.io/kubernetes replaces its staging modules by folders that are not in it, hence the list
 * of versions in kubernetes.mod; etcd is a dependency of the API server, so the same module gives the one that fits.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDirectory } from '../cache.ts'

const MODULE = join(import.meta.dirname, 'kubernetes.mod')
const PROGRESS_MS = 20_000

export type KubernetesProgram =
  'etcd' | 'kube-apiserver' | 'kubectl' | 'kubelet' | 'kube-controller-manager' | 'kube-scheduler' | 'kube-proxy'

const goModule = readFileSync(MODULE, 'utf8')
export const KUBERNETES_VERSION = /^require k8s\.io\/kubernetes v(\S+)$/m.exec(goModule)?.[1] ?? ''

/** The folder that holds, or will hold, the programs of this version. */
export function kubernetesDirectory(): string {
  const hash = createHash('sha256').update(goModule).digest('hex').slice(0, 12)
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  return join(cacheDirectory(), `kubernetes-${KUBERNETES_VERSION}-${architecture}-${hash}`)
}

/** Why the programs cannot be had on this machine, in one sentence; null where they are built or can be. */
export function missingForKubernetes(programs: readonly KubernetesProgram[]): string | null {
  if (programs.every((program) => isBuilt(program))) return null
  const go = spawnSync('go', ['version'])
  return go.status === 0
    ? null
    : 'Go is not installed: it builds the Kubernetes that these tests run against (https://go.dev/doc/install)'
}

/** Builds what is not built yet and gives the folder with the programs. Two runs at once build once. Throws with the compiler's words. */
export async function buildKubernetes(programs: readonly KubernetesProgram[]): Promise<string> {
  const directory = kubernetesDirectory()
  if (programs.every((program) => isBuilt(program))) return directory
  mkdirSync(join(directory, 'module'), { recursive: true })
  // the lock is the kernel's, so a killed run leaves none behind
  await run('flock', [join(directory, 'lock'), process.execPath, import.meta.filename, ...programs], {})
  return directory
}

function isBuilt(program: KubernetesProgram): boolean {
  try {
    accessSync(join(kubernetesDirectory(), program), constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function build(program: KubernetesProgram): Promise<void> {
  const directory = kubernetesDirectory()
  const module = join(directory, 'module')
  if (!existsSync(join(module, 'go.sum'))) {
    // the working copy takes go.sum and the indirect requirements; Go's checksum database vouches for them
    copyFileSync(MODULE, join(module, 'go.mod'))
    await run('go', ['mod', 'tidy'], { cwd: module, quiet: true })
  }
  const [, minor = ''] = KUBERNETES_VERSION.split('.')
  const stamps = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((place) =>
    [
      `gitVersion=v${KUBERNETES_VERSION}`,
      'gitMajor=1',
      `gitMinor=${minor}`,
      'gitTreeState=archive',
      'gitCommit=module',
    ].map((value) => `-X ${place}.${value}`),
  )
  const source = program === 'etcd' ? 'go.etcd.io/etcd/server/v3' : `k8s.io/kubernetes/cmd/${program}`
  const unfinished = join(directory, `.${program}`)
  await run('go', ['build', '-trimpath', '-ldflags', ['-s', '-w', ...stamps].join(' '), '-o', unfinished, source], {
    cwd: module,
  })
  renameSync(unfinished, join(directory, program))
}

async function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly quiet?: boolean },
): Promise<void> {
  const child = spawn(program, args, {
    stdio: ['ignore', options.quiet === true ? 'ignore' : 'inherit', options.quiet === true ? 'ignore' : 'inherit'],
    env: { ...process.env, CGO_ENABLED: '0' },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`${program} ${args.slice(0, 2).join(' ')} ended with ${String(code)}`))
    })
  })
}

/** As a program of its own, behind the lock: builds the programs that are named, and shows that it is alive. */
if (process.argv[1] === import.meta.filename) {
  for (const program of process.argv.slice(2) as KubernetesProgram[]) {
    if (isBuilt(program)) continue
    const start = Date.now()
    process.stderr.write(
      `building ${program} for Kubernetes ${KUBERNETES_VERSION} (once; the first takes minutes; kept in ${kubernetesDirectory()})\n`,
    )
    const progress = setInterval(
      () => process.stderr.write(`  still building ${program}: ${Math.round((Date.now() - start) / 1000)} s\n`),
      PROGRESS_MS,
    )
    try {
      await build(program)
    } finally {
      clearInterval(progress)
    }
  }
}
