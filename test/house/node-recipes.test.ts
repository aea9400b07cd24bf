import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { DEFAULT_POLICY } from '../../src/core/settings/policy.ts'
import { NODE_LABEL_READY, NODE_LABELS } from '../../src/core/vocabulary/names.ts'

const listed = (...paths: readonly string[]): readonly string[] =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...paths], { encoding: 'utf8' })
    .trim()
    .split('\n')
const read = (path: string): string => readFileSync(path, 'utf8')
/** Sluice's names in `text`, each once. */
const namesIn = (text: string): readonly string[] => [...new Set(text.match(/\bsluice-mesh\.io\/[a-z]+(?:-[a-z]+)*/g))]

test('every label, annotation, condition and taint of Sluice that a page names is one that the program or the chart knows', () => {
  const known = namesIn(listed('src/*.ts', 'manifests/chart/templates').map(read).join('\n'))
  const pages = listed('docs/*.md', 'README.md').map((page) => [page, namesIn(read(page))] as const)
  assert.ok(pages.flatMap(([, names]) => names).length > 20)
  // the key of an audit annotation is put together from its parts
  const isKnown = (name: string): boolean => known.includes(name) || name === 'sluice-mesh.io/net-admin'
  assert.deepEqual(
    pages.flatMap(([page, names]) => names.filter((name) => !isKnown(name)).map((name) => `${page}: ${name}`)),
    [],
  )
})

/** The document of the page's YAML that has `field`. */
function recipe(field: string): unknown {
  const texts = [...read('docs/install.md').matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)
  const documents = texts.flatMap((text) => parseAllDocuments(text))
  return documents.map((document) => document.toJS() as object).find((value) => field in value)
}

test('nodes are born with the taint that the leader lifts unless the policy says another', () => {
  const { key, effect } = DEFAULT_POLICY.taint
  assert.deepEqual(recipe('nodeRegistration'), { nodeRegistration: { taints: [{ key, effect }] } })
  assert.deepEqual(recipe('spec'), { spec: { template: { spec: { startupTaints: [{ key, effect }] } } } })
  const section = /^## Nodes that are born tainted$[\s\S]*?(?=^## )/m.exec(read('docs/install.md'))?.[0] ?? ''
  const inLine = [...section.matchAll(/sluice-mesh\.io\/not-ready=:(\w+)/g)].map(([, word]) => word)
  assert.ok(inLine.length > 2)
  assert.deepEqual([...new Set(inLine)], [effect])
})

test('pods that wait without a taint ask for the label that the leader gives', () => {
  assert.deepEqual(recipe('nodeSelector'), { nodeSelector: { [NODE_LABELS.cni]: NODE_LABEL_READY } })
})
