/**
 * `npm run bench [-- --json FILE] [NAME…]`: every benchmark, each in a process of its own, and a table of what was measured where.
 * `npm run bench -- --compare A B` puts two such files side by side.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { comparison, type Figure, figuresOf, figureTable } from './support/figure.ts'

const BENCHMARKS = ['injection', 'coverage', 'admission', 'rules', 'plugin', 'ambient', 'memory', 'start'] as const

const { values, positionals } = parseArgs({
  options: { json: { type: 'string' }, compare: { type: 'boolean', default: false } },
  allowPositionals: true,
})
process.exitCode = values.compare ? compare(positionals) : await runAll(positionals)

function compare(files: readonly string[]): number {
  if (files.length !== 2) return usage('--compare takes two files')
  const runs: (readonly Figure[])[] = []
  for (const file of files) {
    const text = readable(file)
    const figures = text === undefined ? undefined : figuresOf(text)
    if (figures === undefined)
      return usage(`${file} ${text === undefined ? 'cannot be read' : 'is no file that --json wrote'}`)
    runs.push(figures)
  }
  process.stdout.write(comparison(runs[0] ?? [], runs[1] ?? []))
  return 0
}

function readable(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

async function runAll(names: readonly string[]): Promise<number> {
  const unknown = names.find((name) => !BENCHMARKS.some((known) => known === name))
  if (unknown !== undefined) return usage(`there is no benchmark '${unknown}': ${BENCHMARKS.join(', ')}`)
  const figures: Figure[] = []
  const failed: string[] = []
  for (const name of BENCHMARKS.filter((known) => names.length === 0 || names.includes(known))) {
    const measured = await runOne(name)
    process.stdout.write(`\n── ${name} (${machine()})\n${measured === null ? 'failed\n' : figureTable(measured)}`)
    figures.push(...(measured ?? []))
    if (measured === null) failed.push(name)
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`)
  if (failed.length > 0) process.stderr.write(`\nfailed: ${failed.join(', ')}\n`)
  return failed.length === 0 ? 0 : 1
}

/** Null where it failed; why, it has printed itself. */
async function runOne(name: string): Promise<readonly Figure[] | null> {
  const child = fork(new URL(`${name}.ts`, import.meta.url), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  let figures: readonly Figure[] | null = null
  child.on('message', (sent: readonly Figure[]) => (figures = sent))
  const [code] = (await once(child, 'exit')) as [number | null]
  return code === 0 ? figures : null
}

function machine(): string {
  const [first] = cpus()
  const load = loadavg()[0] ?? Number.NaN
  const memory = (totalmem() / 2 ** 30).toFixed(0)
  return `${cpus().length} × ${first?.model ?? 'unknown'}, ${memory} GiB, load ${load.toFixed(1)}, Node ${process.version}`
}

function usage(problem: string): number {
  process.stderr.write(`${problem}\n`)
  return 2
}
