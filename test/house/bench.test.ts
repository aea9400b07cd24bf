import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Figure, figuresOf, figureTable, meets } from '../../bench/support/figure.ts'

const ROOT = join(import.meta.dirname, '../..')

function bench(...args: readonly string[]): {
  readonly code: number | null
  readonly out: string
  readonly err: string
} {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'bench/run.ts'), ...args], {
    encoding: 'utf8',
  })
  return { code: status, out: stdout, err: stderr }
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

function fileOf(directory: string, name: string, figures: readonly Figure[]): string {
  const path = join(directory, name)
  writeFileSync(path, JSON.stringify(figures))
  return path
}

const cpu = (value: number): Figure => ({ name: 'a request: CPU', value, unit: 'ms', goal: '<= 0.2' })

test('two files of results are put side by side, also what only one of them has', (t) => {
  const directory = folder(t)
  const gone: Figure = { name: 'gone', value: 7, unit: 'MiB', goal: null }
  const before = fileOf(directory, 'before.json', [gone, cpu(0.4)])
  const after = fileOf(directory, 'after.json', [cpu(0.1), { ...gone, name: 'new', value: 200 }])
  assert.equal(
    bench('--compare', before, after).out,
    [
      'figure          before  after  unit  ratio',
      'a request: CPU  0.400   0.100  ms    0.25',
      'gone            7.000   -      MiB',
      'new             -       200    MiB',
      '',
    ].join('\n'),
  )
})

test('what cannot be compared is said in a sentence', (t) => {
  const directory = folder(t)
  const good = fileOf(directory, 'good.json', [cpu(1)])
  const odd = join(directory, 'odd.json')
  writeFileSync(odd, '[{"name":"x","value":"1"}]')
  for (const [args, says] of [
    [[good], '--compare takes two files'],
    [[good, good, good], '--compare takes two files'],
    [[good, join(directory, 'none')], `${join(directory, 'none')} cannot be read`],
    [[odd, good], `${odd} is no file that --json wrote`],
    [[good, import.meta.filename], `${import.meta.filename} is no file that --json wrote`],
  ] as const)
    assert.deepEqual(bench('--compare', ...args), { code: 2, out: '', err: `${says}\n` })
})

test('a benchmark that does not exist is refused before any runs', () => {
  const { code, out, err } = bench('injection', 'nonsense')
  assert.deepEqual([code, out], [2, ''])
  assert.match(err, /^there is no benchmark 'nonsense': injection, /)
})

test('what a run writes is what --compare reads, with a table that says where it was measured', (t) => {
  const file = join(folder(t), 'run.json')
  const { code, out } = bench('--json', file, 'coverage')
  assert.equal(code, 0)
  const figures = figuresOf(readFileSync(file, 'utf8')) ?? []
  assert.ok(figures.length > 0)
  assert.match(out, /^\n── coverage \(\d+ × .+, \d+ GiB, load [\d.]+, Node v[\d.]+\)\n/)
  assert.ok(out.includes(figureTable(figures)))
  assert.match(bench('--compare', file, file).out, / 1\.00\n/)
})

test('a goal is met or missed by its own sense, at its bound too', () => {
  for (const [value, goal, want] of [
    [0.2, '<= 0.2', true],
    [0.21, '<= 0.2', false],
    [4000, '>= 4000', true],
    [3999, '>= 4000', false],
    [1, null, null],
  ] as const)
    assert.equal(meets({ name: 'x', value, unit: '', goal }), want)
})
