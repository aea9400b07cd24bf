import assert from 'node:assert/strict'
import { test } from 'node:test'
import { editableDocuments } from '../../../src/app/commands/yaml-edit.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'

const TEXT = `# who owns this
apiVersion: v1
kind: Pod
metadata:
  name: web # the front
  labels: { app: web }
spec:
  containers:
    # the application
    - name: app
      image: "a:1"   # pinned
      ports: [{ containerPort: 80 }]
`

const only = (text: string): JsonObject & { spec: { containers: JsonObject[] } } =>
  editableDocuments(text).documents[0]?.value as JsonObject & { spec: { containers: JsonObject[] } }

test('what is left alone is printed to the byte', () => {
  const file = `${TEXT}# the end\n---\n# a second one\nb: [1,2]   # c\n`
  const { documents } = editableDocuments(file)
  assert.equal(documents.length, 2)
  assert.equal(documents.map((document) => document.text).join(''), file)
})

test('an edit without a change keeps every line and comment', () => {
  const [document] = editableDocuments(TEXT).documents
  assert.equal(
    document?.withValue(only(TEXT)),
    TEXT.replace('   # pinned', ' # pinned').replace('[{ containerPort: 80 }]', '[ { containerPort: 80 } ]'),
  )
})

test('an added container leaves the comments of the others where they were', () => {
  const value = only(TEXT)
  const [document] = editableDocuments(TEXT).documents
  const text =
    document?.withValue({
      ...value,
      spec: { containers: [{ name: 'istio-proxy', image: 'p' }, ...value.spec.containers] },
    }) ?? ''
  for (const kept of [
    '# who owns this',
    'name: web # the front',
    '# the application',
    'image: "a:1" # pinned',
    'labels: { app: web }',
  ])
    assert.ok(text.includes(kept), kept)
  assert.deepEqual(
    only(text).spec.containers.map((container) => container['name']),
    ['istio-proxy', 'app'],
  )
})

test('what goes, goes; what changes kind, changes', () => {
  const [document] = editableDocuments(TEXT).documents
  const text = document?.withValue({ apiVersion: 'v1', kind: 'Pod', metadata: [1] }) ?? ''
  assert.deepEqual(only(text), { apiVersion: 'v1', kind: 'Pod', metadata: [1] })
})

test('a syntax error is told with its place, and nothing is edited', () => {
  const { problem, documents } = editableDocuments('a: [1\nb: 2')
  assert.match(problem?.message ?? '', /line 2/)
  assert.deepEqual(documents, [])
})
