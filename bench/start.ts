/** What was built: how large it is, and how soon it is of use. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { makeRootfs } from '../scripts/image/image.ts'
import { netnsTools } from '../scripts/netns-tools.ts'
import { agentRuntime } from './support/child.ts'
import { type Figure, median, quantile } from './support/figure.ts'
import { report } from './support/report.ts'
import { childrenCpuMs } from './support/usage.ts'

const RUNS = 20
const MIB = 2 ** 20
const work = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
/** the root file system of the image, whose bundle is run here by this Node */
const root = join(work, 'root')
const main = join(root, 'sluice/main.js')
try {
  makeRootfs(root)
  report([
    ...timed('node without a program', [process.execPath, '-e', '0'], null),
    ...timed('sluice --help', [process.execPath, main, '--help'], '<= 80'),
    ...timed('sluice rules --help', [process.execPath, main, 'rules', '--help'], null),
    ...(await startToReady('webhook', webhook(), '"msg":"serving"')),
    ...(await startToReady('agent', agent(), '"msg":"working"')),
    ...sizes(),
  ])
} finally {
  rmSync(work, { recursive: true })
}

function run(program: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
}

function timed(of: string, [program = '', ...args]: readonly string[], goal: string | null): readonly Figure[] {
  const cpu = childrenCpuMs()
  const times = Array.from({ length: RUNS }, () => {
    const start = performance.now()
    run(program, ...args)
    return performance.now() - start
  })
  return [
    { name: `${of}: CPU`, value: (childrenCpuMs() - cpu) / RUNS, unit: 'ms', goal },
    { name: `${of}: median`, value: median(times), unit: 'ms', goal: null },
    { name: `${of}: p99`, value: quantile(times, 0.99), unit: 'ms', goal: null },
  ]
}

interface Command {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** The certificate is there from the second round on, as after any first start. */
function webhook(): Command {
  const listen = ['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0']
  const rest = ['--objects', 'examples', '--certs-dir', join(work, 'certs'), '--drain-seconds', '0']
  return { args: [main, 'webhook', ...listen, ...rest], env: {} }
}

/** As its DaemonSet starts it, with folders of its own; its self-test makes real rules and sends traffic through them. */
function agent(): Command {
  const { flags, env } = agentRuntime()
  const tools = netnsTools()
  const folders = { 'cni-bin-dir': 'bin', 'cni-conf-dir': 'net.d', 'run-dir': 'run', 'netns-dir': 'netns' }
  const sockets = { 'plugin-socket': 'run/cni.sock', 'ztunnel-socket': 'run/ztunnel.sock' }
  const paths = Object.entries({ ...folders, ...sockets }).flatMap(([flag, path]) => [`--${flag}`, join(work, path)])
  const listen = ['--health-listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0']
  const rules = ['--libnftables', tools.libnftables, '--programs-dir', tools.programs]
  const args = ['agent', '--node-name', 'node-1', '--objects', 'examples', ...paths, ...listen, ...rules]
  return { args: [...flags, main, ...args], env: { ...tools.env, ...env } }
}

/** From the start of the process to its line that it is of use; the first start is not counted. */
async function startToReady(of: string, { args, env }: Command, line: string): Promise<readonly Figure[]> {
  const times: number[] = []
  let cpu = 0
  for (let round = 0; round <= 5; round++) {
    if (round === 1) cpu = childrenCpuMs()
    const start = performance.now()
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    })
    await printed(child, line)
    if (round > 0) times.push(performance.now() - start)
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }
  return [
    { name: `${of}, start to ready: CPU`, value: (childrenCpuMs() - cpu) / times.length, unit: 'ms', goal: null },
    { name: `${of}, start to ready: median`, value: median(times), unit: 'ms', goal: null },
  ]
}

async function printed({ stdout }: ChildProcess, wanted: string): Promise<void> {
  if (stdout === null) throw new Error('no standard output to read')
  for await (const line of createInterface(stdout)) if (line.includes(wanted)) return
  throw new Error(`a process ended before it printed ${wanted}`)
}

/** The image as it is unpacked, and its parts, which are all of it. */
function sizes(): readonly Figure[] {
  const files = filesOf(root).map((file) => file.slice(root.length + 1))
  const parts: Readonly<Record<string, RegExp>> = {
    node: /^usr\/bin\/node$/,
    bundle: /^sluice\/(?!node_modules\/)/,
    "the bundle's native part": /^sluice\/node_modules\//,
    plugin: /^opt\//,
    'programs for rules, and extensions of iptables': /^usr\/(s?bin\/(?!node$)|lib\/[^/]+\/xtables\/)/,
    'libraries of Debian': /^usr\/lib(64)?\/(?![^/]+\/xtables\/)/,
    'files of /etc': /^etc\//,
  }
  const stray = files.find((file) => Object.values(parts).filter((part) => part.test(file)).length !== 1)
  if (stray !== undefined) throw new Error(`${stray} of the image is no part of it that is measured, or of two`)
  return [
    size('image, unpacked', files),
    ...Object.entries(parts).map(([of, part]) =>
      size(
        of,
        files.filter((file) => part.test(file)),
      ),
    ),
  ]
}

/** Links are no files, and not followed. */
function filesOf(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return filesOf(path)
    return entry.isFile() ? [path] : []
  })
}

function size(of: string, files: readonly string[]): Figure {
  const bytes = files.reduce((sum, file) => sum + statSync(join(root, file)).size, 0)
  return { name: `size of ${of}`, value: bytes / MIB, unit: 'MiB', goal: null }
}
