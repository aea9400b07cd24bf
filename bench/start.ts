/** What was built: how large it is, and how soon it is of use. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { buildPlugin } from '../scripts/plugin.ts'
import { type Figure, median, quantile } from './support/figure.ts'
import { report } from './support/report.ts'
import { childrenCpuMs } from './support/usage.ts'

const RUNS = 20
const MIB = 2 ** 20
const work = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
const dist = join(work, 'dist')
try {
  run(process.execPath, 'scripts/build.ts', dist)
  const main = join(dist, 'main.js')
  report([
    ...timed('node without a program', [process.execPath, '-e', '0'], null),
    ...timed('sluice --help', [process.execPath, main, '--help'], '<= 80'),
    ...timed('sluice rules --help', [process.execPath, main, 'rules', '--help'], null),
    ...(await webhookReady(main)),
    size(
      'bundle',
      filesOf(dist).filter((file) => !file.includes('node_modules')),
    ),
    size('bundle with its native part', filesOf(dist)),
    size('plugin', [buildPlugin()]),
    size('node', [process.execPath]),
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

/** From the start of the process to its line that it serves; the certificate is there already, as after any first start. */
async function webhookReady(main: string): Promise<readonly Figure[]> {
  const listen = ['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0']
  const args = [
    main,
    'webhook',
    '--objects',
    'examples',
    '--certs-dir',
    join(work, 'certs'),
    ...listen,
    '--drain-seconds',
    '0',
  ]
  const times: number[] = []
  let cpu = 0
  for (let round = 0; round <= 5; round++) {
    if (round === 1) cpu = childrenCpuMs()
    const start = performance.now()
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    await serving(child)
    if (round > 0) times.push(performance.now() - start)
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }
  return [
    { name: 'webhook, start to ready: CPU', value: (childrenCpuMs() - cpu) / times.length, unit: 'ms', goal: null },
    { name: 'webhook, start to ready: median', value: median(times), unit: 'ms', goal: null },
  ]
}

async function serving(child: ChildProcess): Promise<void> {
  if (child.stdout === null) throw new Error('no standard output to read')
  for await (const line of createInterface(child.stdout)) if (line.includes('"msg":"serving"')) return
  throw new Error('the webhook ended before it served')
}

function filesOf(directory: string): readonly string[] {
  const found = readdirSync(directory, { recursive: true, withFileTypes: true })
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

function size(of: string, files: readonly string[]): Figure {
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0)
  return { name: `size of ${of}`, value: bytes / MIB, unit: 'MiB', goal: null }
}
