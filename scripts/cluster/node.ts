/**
 * A whole single-node cluster in its own mount, network, pid, ipc, uts and cgroup namespaces: kubelet, containerd, scheduler,
 * controllers, kube-proxy. Nothing on the machine changes; ending the one outer process ends everything. Run as a program:
 * `node.ts up [DIR]`, `node.ts down [DIR]`.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { debs } from '../debs.ts'
import { netnsTools } from '../netns-tools.ts'
import { commandLine, type CommandResult, execute } from './api-server.ts'
import { writeCredentials } from './credentials.ts'
import { buildKubernetes, type KubernetesProgram } from './kubernetes.ts'

export const NODE_PROGRAMS: readonly KubernetesProgram[] = [
  ...(['etcd', 'kube-apiserver', 'kubectl', 'kubelet', 'kube-controller-manager', 'kube-scheduler'] as const),
  'kube-proxy',
]
const PACKAGES = ['containerd', 'runc', 'containernetworking-plugins']
const INNER = join(import.meta.dirname, 'node/inner.sh')
const READY_MS = 180_000
const ADDRESS = '192.168.77.1'
const CLIENTS = [
  { name: 'controller-manager', user: 'system:kube-controller-manager', group: null },
  { name: 'scheduler', user: 'system:kube-scheduler', group: null },
  { name: 'proxy', user: 'system:kube-proxy', group: null },
  { name: 'kubelet', user: 'system:node:node', group: 'system:nodes' },
  { name: 'kubelet-client', user: 'kube-apiserver-kubelet-client', group: 'system:masters' },
] as const

/** What can be run on Debian without being installed, for the node; throws a FetchError. */
export function nodeDebs(): string {
  return debs('node', PACKAGES)
}

export interface TestNode {
  readonly directory: string
  /** Runs a program inside the node, with KUBECONFIG set; never throws for its exit code. */
  readonly exec: (args: readonly string[], input?: string) => Promise<CommandResult>
  readonly kubectl: (args: readonly string[], input?: string) => Promise<CommandResult>
  /** Ends everything; `directory` stays, so that `startNode` with it is a reboot. */
  readonly down: () => Promise<void>
}

/**
 * Starts a node in `directory`, which must lie on a file system that can be an overlay's upper, and imports the images in
 * `directory/images`. What a killed run left there is ended first. Throws with the end of its log where it does not get ready.
 */
export async function startNode(directory: string): Promise<TestNode> {
  await stopNode(directory)
  const [kubernetes, packages] = [await buildKubernetes(NODE_PROGRAMS), nodeDebs()]
  for (const folder of ['log', 'images']) mkdirSync(join(directory, folder), { recursive: true })
  if (!existsSync(join(directory, 'ca.crt')))
    await writeCredentials(directory, `https://${ADDRESS}:6443`, [ADDRESS, '10.96.0.1'], CLIENTS)
  const groups = makeCgroups(directory)
  writeFileSync(join(directory, 'cgroups'), groups.join('\n'))
  const log = openSync(join(directory, 'log/node.log'), 'w')
  const { programs, env } = netnsTools()
  const inner = ['sh', INNER, directory, kubernetes, packages, programs, env['LD_LIBRARY_PATH'] ?? '']
  const spaces = ['--mount', '--net', '--pid', '--ipc', '--uts', '--cgroup', '--fork', '--kill-child', '--mount-proc']
  // the shell enters the cgroups that become the roots of the node's own, then becomes `unshare`
  const enter = groups.map((group) => `echo $$ >'${group}/cgroup.procs'`).join('; ')
  const outer = spawn('sh', ['-c', `${enter}; exec unshare "$@"`, 'sh', ...spaces, ...inner], {
    stdio: ['ignore', log, log],
    detached: true,
  })
  outer.unref()
  writeFileSync(join(directory, 'outer'), String(outer.pid))
  const deadline = Date.now() + READY_MS
  while (!existsSync(join(directory, 'ready'))) {
    if (Date.now() > deadline || outer.exitCode !== null) {
      const end = readFileSync(join(directory, 'log/node.log'), 'utf8').slice(-1500)
      await stopNode(directory)
      throw new Error(`the node does not get ready: ${end}`)
    }
    await wait(100)
  }
  return attach(directory)
}

/** The node that runs in `directory`. */
export function attach(directory: string): TestNode {
  const outer = readFileSync(join(directory, 'outer'), 'utf8')
  const first = readFileSync(`/proc/${outer}/task/${outer}/children`, 'utf8').trim()
  const path = readFileSync(join(directory, 'path'), 'utf8')
  const enter = ['--target', first, '--mount', '--net', '--pid', '--ipc', '--uts', '--cgroup']
  const environment = ['env', `KUBECONFIG=${join(directory, 'admin.conf')}`, `PATH=${path}`]
  const exec: TestNode['exec'] = async (args, input) =>
    await execute('nsenter', [...enter, ...environment, ...args], input)
  return {
    directory,
    exec,
    kubectl: async (args, input) => await exec(['kubectl', ...args], input),
    down: async () => await stopNode(directory),
  }
}

/** Ends the node in `directory` and takes its cgroups away; nothing where none runs. */
export async function stopNode(directory: string): Promise<void> {
  const file = join(directory, 'outer')
  if (!existsSync(file)) return
  const outer = Number(readFileSync(file, 'utf8'))
  // its number may be another process's by now
  if (commandLine(outer).includes(INNER)) {
    process.kill(outer, 'SIGKILL')
    while (commandLine(outer).includes(INNER)) await wait(50)
  }
  const groups = readFileSync(join(directory, 'cgroups'), 'utf8').split('\n')
  for (let tries = 0; tries < 100 && groups.some((group) => existsSync(group)); tries++) {
    for (const group of groups) removeCgroup(group)
    if (groups.some((group) => existsSync(group))) await wait(50)
  }
  for (const name of ['outer', 'ready']) rmSync(join(directory, name), { force: true })
}

/** One cgroup in every hierarchy, below this process's own (version 1) or at the root (version 2). */
function makeCgroups(directory: string): readonly string[] {
  const name = `sluice-${createHash('sha256').update(directory).digest('hex').slice(0, 12)}`
  return readFileSync('/proc/self/cgroup', 'utf8')
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [id, controllers = '', ...rest] = line.split(':')
      const isUnified = id === '0'
      const base = isUnified
        ? existsSync('/sys/fs/cgroup/cgroup.controllers')
          ? '/sys/fs/cgroup'
          : '/sys/fs/cgroup/unified'
        : `/sys/fs/cgroup/${controllers.replace('name=', '')}`
      if (!existsSync(base)) return []
      const parent = join(base, isUnified ? '/' : rest.join(':'))
      const group = join(parent, name)
      mkdirSync(group, { recursive: true })
      if (controllers === 'cpuset')
        for (const setting of ['cpuset.cpus', 'cpuset.mems'])
          writeFileSync(join(group, setting), readFileSync(join(parent, setting), 'utf8'))
      return [group]
    })
}

/** Bottom-up; what is still in use stays. */
function removeCgroup(group: string): void {
  try {
    for (const entry of readdirSync(group, { withFileTypes: true }))
      if (entry.isDirectory()) removeCgroup(join(group, entry.name))
    rmdirSync(group)
  } catch {
    return
  }
}

/** Why a node cannot be started on this machine, in one sentence; null where it can. */
export function missingForNode(): string | null {
  if (spawnSync('unshare', ['--mount', '--net', '--cgroup', 'true']).status !== 0)
    return 'namespaces cannot be made: it takes CAP_SYS_ADMIN'
  const missing = ['ip', 'nsenter', 'sysctl'].filter(
    (program) => spawnSync('sh', ['-c', 'command -v "$0"', program]).status !== 0,
  )
  return missing.length === 0 ? null : `${missing.join(', ')} is not installed: the node's own network needs it`
}

if (import.meta.main) {
  const [command, directory = join(tmpdir(), 'sluice-cluster')] = process.argv.slice(2)
  if (command === 'down') {
    await stopNode(directory)
    rmSync(directory, { recursive: true, force: true })
  } else {
    const { addImages } = await import('./node-images.ts')
    mkdirSync(join(directory, 'images'), { recursive: true })
    addImages(join(directory, 'images'))
    await startNode(directory)
    process.stdout.write(
      `A node runs. Inside it: nsenter --target $(pgrep -P $(cat ${directory}/outer)) --mount --net --pid --ipc --uts --cgroup\n` +
        `Its administrator: ${directory}/admin.conf; end it with: npm run cluster:down\n`,
    )
  }
}
