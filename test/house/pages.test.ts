import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import type { Command } from '../../src/app/commands/command.ts'
import { COMMANDS } from '../../src/app/commands/commands.ts'
import { VALUES_SCHEMA } from '../../scripts/chart/values-schema.ts'
import type { ValueSchema } from '../../scripts/chart/values-text.ts'
import { REASONS } from '../../src/core/vocabulary/reasons.ts'

const pages = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .filter((page) => existsSync(page) && !page.startsWith('test/'))
const read = (page: string): string => readFileSync(page, 'utf8')

/** Pages that are written by hand, for those who run Sluice. */
const OPERATORS = ['install', 'modes', 'migration', 'upgrade', 'cold-start', 'uninstall', 'troubleshooting']

/** Code in a line or a block of its own: nothing there is a link. */
const CODE = /```[\s\S]*?```|`[^`\n]*`|^(?: {4}|\t).*$/gm

/** The anchors of a page, as GitHub makes them from headings. */
function anchorsOf(page: string): ReadonlySet<string> {
  const anchors = [...read(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
  return new Set(anchors)
}

test('every link of a page leads to a file that exists, and to a heading of it', () => {
  assert.ok(pages.length > 15, `${pages.length} pages`)
  const broken: string[] = []
  let links = 0
  for (const page of pages)
    for (const [, target = ''] of read(page)
      .replaceAll(CODE, '')
      .matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      links += 1
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? page : normalize(join(dirname(page), path))
      if (!existsSync(file)) broken.push(`${page}: ${target} does not exist`)
      else if (anchor !== undefined && (statSync(file).isDirectory() || !anchorsOf(file).has(anchor)))
        broken.push(`${page}: ${target} has no such heading`)
    }
  assert.ok(links > 100, `${links} links`)
  assert.deepEqual(broken, [])
})

test('every page of docs is in its index', () => {
  const index = read('docs/README.md')
  const missing = pages.filter((page) => /^docs\/[^/]+\.md$/.test(page) && page !== 'docs/README.md')
  assert.ok(missing.length > 10)
  assert.deepEqual(
    missing.filter((page) => !index.includes(`(${page.slice('docs/'.length)}`)),
    [],
  )
})

/** Calls of the program in a page: what follows `sluice` in code, up to a pipe or a comment. */
function callsOf(page: string): readonly (readonly string[])[] {
  return [...read(page).matchAll(CODE)]
    .flatMap(([code]) => code.replaceAll(/\\\n\s*/g, ' ').split('\n'))
    .flatMap((line) => line.replaceAll(/ +#.*/g, '').split(/[|;]|&&/))
    .flatMap((part) => {
      const words = part.replaceAll('`', '').trim().split(/\s+/)
      const start = words[0] === '$' ? 1 : 0
      const call = words.slice(start).join(' ')
      const [, rest] =
        /^(?:kubectl )?sluice ([a-z].*)$/.exec(call) ?? /npm run --silent sluice -- (.*)$/.exec(call) ?? []
      return rest === undefined ? [] : [rest.split(' ')]
    })
}

test('every command that a page shows exists, with the flags that it is shown with', async () => {
  const commands = new Map<string, Command>()
  for (const { name, load } of COMMANDS) commands.set(name, await load())
  const wrong: string[] = []
  let calls = 0
  for (const page of pages)
    for (const [name = '', ...args] of callsOf(page)) {
      calls += 1
      const command = commands.get(name)
      if (command === undefined) {
        wrong.push(`${page}: there is no command sluice ${name}`)
        continue
      }
      const known = command.flags.flatMap((flag) => [
        `--${flag.name}`,
        ...(flag.short === undefined ? [] : [`-${flag.short}`]),
        ...(flag.aliases ?? []).map((alias) => `--${alias}`),
      ])
      for (const arg of args.filter((word) => /^--?[a-z]/i.test(word)))
        if (![...known, '--help'].includes(arg.replace(/=.*/s, ''))) wrong.push(`${page}: sluice ${name} has no ${arg}`)
    }
  assert.ok(calls > 60, `${calls} calls`)
  assert.deepEqual(wrong, [])
})

test('every reason code that the pages for operators name exists', () => {
  const named = OPERATORS.flatMap((name) =>
    [...read(`docs/${name}.md`).matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)].map(([, code = '']) => code),
  )
  assert.ok(named.length > 25, `${named.length} codes`)
  assert.deepEqual(
    named.filter((code) => !Object.hasOwn(REASONS, code) && !NOT_REASONS.includes(code)),
    [],
  )
})

/** Is there such a value, or is it a field of one whose fields the schema leaves open? */
function isValue(path: readonly string[], schema: ValueSchema): boolean {
  const [name, ...rest] = path
  if (name === undefined || schema.properties === undefined) return true
  const inner = schema.properties[name]
  return inner !== undefined && isValue(rest, inner)
}

test('every value of the chart that the pages for operators name exists', () => {
  const roots = Object.keys(VALUES_SCHEMA.properties).join('|')
  const pattern = new RegExp(`(?<![\\w./-])(?:${roots})\\.[A-Za-z.]+(?=[=:\`\\s])`, 'g')
  const named = [...OPERATORS, 'alerts']
    .map((name) => `docs/${name}.md`)
    .flatMap((page) => [...read(page).matchAll(CODE)].flatMap(([code]) => code.match(pattern) ?? []))
    .filter((value) => !CILIUM.includes(value))
  assert.ok(named.length > 15, `${named.length} values`)
  assert.deepEqual(
    named.filter((value) => !isValue(value.split('.'), VALUES_SCHEMA as ValueSchema)),
    [],
  )
})

/** Values of Cilium's chart that begin like ours. */
const CILIUM = ['cni.exclusive']
/** Names of others that look like a code. */
const NOT_REASONS = ['allow_net_admin']
