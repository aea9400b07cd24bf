import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { sluice } from './run-sluice.ts'

/** `-f` as people know it from kubectl, and files as people have them. */

const pod = (name: string): string =>
  `kind: Pod\nmetadata: { name: ${name} }\nspec: { containers: [{ name: a, image: b }] }\n`
const JSON_POD = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'j' },
  spec: { containers: [{ name: 'a', image: 'b' }] },
})

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-files-'))
  await mkdir(join(folder, 'deep', 'deeper.yaml'), { recursive: true })
  await mkdir(join(folder, 'none'))
  const files = {
    'b.yaml': pod('b'),
    'a.yml': pod('a'),
    'c.json': JSON_POD,
    'notes.txt': 'a: [1',
    'deep/d.yaml': pod('d'),
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
})
after(async () => await rm(folder, { recursive: true }))

async function explained(...argv: readonly string[]): Promise<readonly string[]> {
  const { code, out, err } = await sluice(['explain', ...argv, '-o', 'json'], { stdin: pod('piped') })
  assert.equal(code, 0, err)
  const reports = [JSON.parse(out) as unknown].flat() as readonly { readonly name: string }[]
  return reports.map(({ name }) => name)
}

test('-f may be given several times, name several files by commas, and standard input among them', async () => {
  const [a, b] = [join(folder, 'a.yml'), join(folder, 'b.yaml')]
  assert.deepEqual(await explained('-f', b, '-f', a), ['pod/b', 'pod/a'])
  assert.deepEqual(await explained('-f', `${a},-`, '-f', b), ['pod/a', 'pod/piped', 'pod/b'])
})

test('a folder stands for its YAML and JSON files, with -R for those of the folders in it, too', async () => {
  assert.deepEqual(await explained('-f', folder), ['pod/a', 'pod/b', 'pod/j'])
  assert.deepEqual(await explained('-f', folder, '-R'), ['pod/a', 'pod/b', 'pod/j', 'pod/d'])
  const none = await sluice(['explain', '-f', join(folder, 'none')])
  assert.deepEqual([none.code, none.out], [2, ''])
  assert.match(none.err, /none is a folder without a file that ends in \.yaml, \.yml or \.json; folders in it/)
})

test('several files are injected into one stream of documents, or into one list; one refused pod and there is none', async () => {
  const { code, out } = await sluice(['inject', '-f', folder])
  assert.equal(code, 0)
  const documents = parseAllDocuments(out)
  assert.deepEqual(
    documents.map((document) => ('contents' in document ? document.getIn(['metadata', 'name']) : '')),
    ['a', 'b', 'j'],
  )
  const list = JSON.parse((await sluice(['inject', '-f', folder, '-o', 'json'])).out) as {
    readonly items: readonly unknown[]
  }
  assert.equal(list.items.length, 3)
  await writeFile(join(folder, 'none', 'bad.yaml'), 'kind: Pod\nmetadata: { labels: { a: 1 } }\n')
  const refused = await sluice(['inject', '-f', join(folder, 'a.yml'), '-f', join(folder, 'none')])
  assert.deepEqual([refused.code, refused.out], [2, ''])
  assert.match(refused.err, /none\/bad\.yaml: pod\/: metadata\.labels\.a is 1/)
  await rm(join(folder, 'none', 'bad.yaml'))
})

test('JSON stays JSON where YAML was not asked of it, also behind the mark that some editors write', async () => {
  for (const text of [JSON_POD, `\u{FEFF}${JSON_POD}`]) {
    const { code, out } = await sluice(['inject', '-f', '-'], { stdin: text })
    assert.equal(code, 0)
    const injected = JSON.parse(out) as { readonly spec: { readonly initContainers: readonly unknown[] } }
    assert.equal(injected.spec.initContainers.length, 2)
  }
})

test("empty documents are passed over, and Windows' line ends are read", async () => {
  const text = `---\n# nothing\n---\n---\n${pod('x')}`.replaceAll('\n', '\r\n')
  assert.match((await sluice(['explain', '-f', '-'], { stdin: text })).out, /^pod\/x\n/)
  assert.equal((await sluice(['inject', '-f', '-'], { stdin: text })).code, 0)
})

test('two files that were put together without a line between them are refused, not half read', async () => {
  for (const command of ['explain', 'inject', 'rules']) {
    const { code, out, err } = await sluice([command, '-f', '-'], { stdin: pod('a') + pod('b') })
    assert.deepEqual([code, out], [2, ''], command)
    assert.match(err, /standard input is no YAML: Map keys must be unique at line 4/)
  }
})

test('what nobody said and is taken for true stands in the explanation, until somebody says it', async () => {
  const nobody = await sluice(['explain', '-f', '-'], { stdin: pod('x') })
  assert.match(nobody.out, /assumed +the namespace default has the label istio-injection=enabled alone/)
  assert.match(nobody.out, /assumed +every node can do every mode \(.*--context/)
  const namespace = join(folder, 'ns')
  await writeFile(namespace, 'kind: Namespace\nmetadata: { name: shop }\n')
  const told = await sluice(['explain', '-f', '-', '--namespace-file', namespace], { stdin: pod('x') })
  assert.doesNotMatch(told.out, /assumed +the namespace/)
  const cluster = await sluice(['explain', '-f', '-', '--objects', 'examples', '-o', 'json', '-n', 'shop'], {
    stdin: pod('x'),
  })
  assert.deepEqual((JSON.parse(cluster.out) as Record<string, unknown>)['assumed'], undefined)
  const elsewhere = await sluice(['explain', '-f', '-', '--objects', 'examples', '-o', 'json', '-n', 'nope'], {
    stdin: pod('x'),
  })
  assert.match(String((JSON.parse(elsewhere.out) as Record<string, unknown>)['assumed']), /^the namespace nope has/)
})

test('YAML is read and written as kubectl reads it: octal modes, merged maps, and names that look like booleans', async () => {
  const text = `kind: Pod
metadata: { name: y, labels: &labels { app: 'on' }, annotations: { <<: *labels, tier: a } }
spec:
  containers: [{ name: a, image: b }]
  volumes: [{ name: s, secret: { secretName: s, defaultMode: 0644 } }]
`.replace('name: y', "name: 'y'")
  const injected = JSON.parse((await sluice(['inject', '-f', '-', '-o', 'json'], { stdin: text })).out) as {
    readonly metadata: { readonly annotations: Readonly<Record<string, string>> }
    readonly spec: {
      readonly volumes: readonly { readonly name: string; readonly secret?: { readonly defaultMode: number } }[]
    }
  }
  assert.equal(injected.metadata.annotations['app'], 'on')
  assert.equal(injected.spec.volumes.find(({ name }) => name === 's')?.secret?.defaultMode, 0o644)
  const yaml = (await sluice(['inject', '-f', '-'], { stdin: text })).out
  // every reader of YAML 1.1 must find the same
  const [document] = parseAllDocuments(yaml, { version: '1.1' })
  assert.deepEqual(document !== undefined && 'contents' in document ? document.toJS() : undefined, injected)
  assert.match(
    (await sluice(['explain', '-f', '-'], { stdin: text.replace("'on'", 'on') })).err,
    /metadata\.labels\.app is true/,
  )
})

test('aliases that mean nothing, or themselves, or that explode, are the file\u2019s fault and not a bug', async () => {
  const bomb = 'bcdefghij'
    .split('')
    .reduce(({ text, last }, name) => ({ text: `${text}${name}: &${name} [${`*${last},`.repeat(9)}]\n`, last: name }), {
      text: 'a: &a [x]\n',
      last: 'a',
    }).text
  for (const command of ['explain', 'inject'])
    for (const text of ['kind: Pod\nmetadata: *nothing\n', 'kind: Pod\nspec: &spec { a: *spec }\n', bomb]) {
      const { code, out, err } = await sluice([command, '-f', '-'], { stdin: text })
      assert.deepEqual([code, out], [2, ''], command)
      assert.match(
        err,
        /^error: standard input is no YAML: (Unresolved alias|Excessive alias count|an alias stands for)/,
      )
    }
})

test('what is no namespace is not taken for one', async () => {
  await writeFile(join(folder, 'map'), 'kind: ConfigMap\nmetadata: { name: shop }\n')
  const { code, err } = await sluice(['explain', '-f', '-', '--namespace-file', join(folder, 'map')], {
    stdin: pod('x'),
  })
  assert.equal(code, 2)
  assert.match(err, /holds no Namespace/)
})

test('a folder where one file is wanted is named as what it is', async () => {
  for (const argv of [
    ['rules', '-f', folder],
    ['explain', '-f', '-', '--values-file', folder],
  ]) {
    const { code, err } = await sluice(argv, { stdin: pod('x') })
    assert.equal(code, 1)
    assert.match(err, /it is a folder, and a file is wanted/)
  }
})
