import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

/** Tests about the repository itself; each first proves that it read something. */
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
  .trim()
  .split('\n')
const sources = files.filter((file) => /^(src|test|scripts|bench)\/.*\.ts$/.test(file))
const read = (file: string): string => readFileSync(file, 'utf8')

test('the tests about the repository see the repository', () => {
  assert.ok(sources.length > 20, `${sources.length} sources`)
})

test('files are named by nouns in kebab-case, and never by what they are not about', () => {
  const bad = sources.filter((file) => {
    const name = file.split('/').at(-1) ?? ''
    return (
      !/^[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.ts$/.test(name) ||
      /^(utils?|helpers?|manager|types|common|misc|index)(\.test)?\.ts$/.test(name)
    )
  })
  assert.deepEqual(bad, [])
})

test('a source file fits in the head', () => {
  const long = sources.filter((file) => file.startsWith('src/') && read(file).split('\n').length > 350)
  assert.deepEqual(long, [])
})

test('nothing is switched off: no escape hatch of the compiler or the linter, no skipped test, no shell', () => {
  const inCode = /\bas any\b|: any\b|\b(test|it|describe)\.(skip|only|todo)\b|shell: true|execSync\(/
  const inComments = /@ts-(ignore|nocheck|expect-error)|eslint-disable/
  // prose may speak of any text
  const code = (text: string): string => text.replaceAll(/'[^'\n]*'|"[^"\n]*"|`[^`]*`|\/\*[\s\S]*?\*\/|\/\/.*/g, '')
  const found = sources
    .filter((file) => file !== 'test/house/repository.test.ts')
    .filter((file) => inCode.test(code(read(file))) || inComments.test(read(file)))
  assert.deepEqual(found, [])
})

test('no secret, key, certificate or binary is in the repository', () => {
  const found = files.filter(
    (file) =>
      /\.(pem|key|crt|p12|pfx|exe|so|node)$/.test(file) ||
      (sources.includes(file) && /-----BEGIN [A-Z ]*PRIVATE KEY-----\\?n?[A-Za-z0-9+/]{20}/.test(read(file))),
  )
  assert.deepEqual(found, [])
})

test('the commands that the README shows exist', () => {
  const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts)
  const named = [...read('README.md').matchAll(/npm run (?:--silent )?([a-z:][a-z:-]*)/g)].map(
    (match) => match[1] ?? '',
  )
  assert.ok(named.length > 0, 'the README names no command')
  assert.deepEqual(
    named.filter((name) => !scripts.includes(name)),
    [],
  )
})

test('every version is exact, and the lock file names no registry', () => {
  const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string> | undefined>
  const versions = ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((group) =>
    Object.entries(manifest[group] ?? {}),
  )
  assert.ok(versions.length > 10)
  assert.deepEqual(
    versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version)),
    [],
  )
  assert.equal(/"resolved":/.test(read('package-lock.json')), false)
})
