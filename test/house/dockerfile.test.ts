import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { imageConfig } from '../../scripts/image/image.ts'

/** `docker build` and `npm run image` make the same image: by the same script, and with the same configuration. */

interface Instruction {
  readonly name: string
  readonly rest: string
}

const lines = (file: string): readonly string[] => readFileSync(file, 'utf8').replaceAll('\\\n', ' ').split('\n')
const INSTRUCTIONS: readonly Instruction[] = lines('Dockerfile').flatMap((line) => {
  const [, name = '', rest = ''] = /^([A-Z]+) +(.*)$/.exec(line) ?? []
  return name === '' ? [] : [{ name, rest: rest.trim().replaceAll(/ +/g, ' ') }]
})
const all = (name: string): readonly string[] => INSTRUCTIONS.flatMap((one) => (one.name === name ? [one.rest] : []))
const LAST = INSTRUCTIONS.slice(INSTRUCTIONS.findLastIndex(({ name }) => name === 'FROM'))
const last = (name: string): string => LAST.find((one) => one.name === name)?.rest ?? ''

test('the last stage is nothing but what `npm run image` assembles, and tells runtimes the same of it', () => {
  assert.deepEqual(
    LAST.map(({ name }) => name),
    ['FROM', 'LABEL', 'COPY', 'ENV', 'USER', 'ENTRYPOINT', 'CMD'],
  )
  assert.deepEqual([last('FROM'), last('COPY')], ['scratch', '--from=build /rootfs /'])
  assert.deepEqual(all('RUN').slice(-1), ['npm run image -- --root /rootfs'])
  const labels = [...last('LABEL').matchAll(/([a-z.]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value])
  assert.deepEqual(
    {
      entrypoint: JSON.parse(last('ENTRYPOINT')) as unknown,
      cmd: JSON.parse(last('CMD')) as unknown,
      user: last('USER'),
      path: last('ENV').replace(/^PATH=/, ''),
      labels: Object.fromEntries(labels) as unknown,
    },
    imageConfig(),
  )
})

test('what it builds upon has a version, and Debian gives the build npm alone: the packages of the image are the script’s', () => {
  const given = new Map(all('ARG').map((arg) => [arg.split('=')[0] ?? '', arg.slice(arg.indexOf('=') + 1)]))
  const bases = all('FROM').map((from) =>
    (from.split(' ')[0] ?? '').replace(/^\$\{(.*)\}$/, (_, name: string) => given.get(name) ?? ''),
  )
  assert.deepEqual(
    bases.filter((base) => base !== 'scratch' && !/^[a-z/.-]+:\d+\.\d+|@sha256:[0-9a-f]{64}$/.test(base)),
    [],
  )
  const [install = ''] = all('RUN').filter((run) => run.includes('apt-get install'))
  assert.match(install, /^apt-get update && apt-get install --yes --no-install-recommends npm$/)
})

test('what it copies from the repository is there, and no ignored folder is needed by what it runs', () => {
  const files = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).trim().split('\n')
  const copied = all('COPY')
    .filter((copy) => !copy.startsWith('--from='))
    .flatMap((copy) => copy.split(' ').slice(0, -1))
  assert.ok(copied.length > 3)
  assert.deepEqual(
    copied.filter((file) => file !== '.' && !files.includes(file)),
    [],
  )
  const ignored = lines('.dockerignore').filter((line) => line !== '')
  assert.ok(ignored.includes('node_modules'), 'those of the host are of another platform')
  const shipped = files.filter((file) => /^(src|scripts)\/.*\.ts$/.test(file))
  const needs = shipped.filter((file) =>
    ignored.some((folder) => new RegExp(`from '(\\.\\./)+${folder}/`).test(readFileSync(file, 'utf8'))),
  )
  assert.ok(shipped.length > 200)
  assert.deepEqual(
    needs.filter((file) => !NOT_OF_THE_BUILD.test(file)),
    [],
  )
})

/** Scripts of tests, the demo and the generated pages. */
const NOT_OF_THE_BUILD = /^scripts\/(cluster|demo|pages)\//
