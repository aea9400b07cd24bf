import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import type { InjectionContext } from '../../../src/core/injection/draft.ts'
import { inject } from '../../../src/core/injection/inject.ts'
import { withoutMultusNetwork } from '../../../src/core/injection/templates/multus.ts'
import type { Json, JsonObject } from '../../../src/core/json/value.ts'
import { isList, isObject, objectOr, objectsOf, stringOr } from '../../../src/core/json/value.ts'
import { ANNOTATIONS } from '../../../src/core/vocabulary/annotations.ts'
import { contextOf, injected, podOf } from './injection-fixture.ts'
import { jsonFiles } from '../../goldens/sets/json-files.ts'

interface Sample {
  readonly name: string
  readonly pod: JsonObject
  readonly context: InjectionContext
}

const PLACE = join(import.meta.dirname, '../../goldens/injection')
const SAMPLES: readonly Sample[] = jsonFiles(PLACE)
  .map(({ golden }) => golden)
  .filter((golden) => golden['kind'] === 'pod')
  .map(sampleOf)
  .filter(({ pod, context }) => inject(pod, context).is === 'injected')

/** A pod that says of itself that it was injected is not at its beginning. */
const FRESH = SAMPLES.filter(({ pod }) => !JSON.stringify(pod).includes('sidecar.istio.io/status'))

function sampleOf(golden: JsonObject): Sample {
  const pod = objectOr(golden['pod'])
  return {
    name: stringOr(golden['name']) ?? '',
    pod,
    context: contextOf({
      texts: {
        mesh: JSON.stringify(golden['meshConfig']),
        values: JSON.stringify(golden['values']),
        platform: stringOr(golden['platform']),
      },
      podNamespace: stringOr(golden['requestNamespace']) ?? '',
      nativeSidecars: objectOr(golden['nativeSidecars'])['resolved'] === true,
    }),
  }
}

test('enough pods are looked at', () => assert.ok(FRESH.length > 180, String(FRESH.length)))

test('a pod that comes again is injected as if it came once', () => {
  for (const { name, pod, context } of SAMPLES) {
    const once = made(pod, context)
    assert.deepEqual(plain(made(once, context)), plain(once), name)
  }
})

for (const other of [
  { mode: 'cni' },
  { mode: 'init', nativeSidecars: false },
  { mode: 'cni', nativeSidecars: true },
] as const)
  test(`a pod that was injected with ${JSON.stringify(other)} in between is injected as if it was not`, () => {
    for (const { name, pod, context } of FRESH) {
      const between = inject(pod, { ...context, ...other })
      if (between.is === 'refused') continue
      assert.deepEqual(beyondDoubt(made(between.pod, context)), beyondDoubt(made(pod, context)), name)
    }
  })

/** What another webhook may do to a pod between two injections, beside the injected parts or on them. */
function changedByAnother(pod: JsonObject): JsonObject {
  const { metadata, spec } = { metadata: objectOr(pod['metadata']), spec: objectOr(pod['spec']) }
  return {
    ...pod,
    metadata: { ...metadata, labels: { ...objectOr(metadata['labels']), 'example.com/by': 'another' } },
    spec: {
      ...spec,
      containers: [...objectsOf(spec['containers']), { name: 'another', image: 'example.com/another:1' }],
      volumes: [...objectsOf(spec['volumes']), { name: 'another', emptyDir: {} }],
      tolerations: [{ key: 'another', operator: 'Exists' }],
    },
  }
}

test('a pod that another webhook changed between two injections is injected as if it had come so', () => {
  for (const { name, pod, context } of FRESH) {
    const [late, early] = [changedByAnother(made(pod, context)), changedByAnother(pod)]
    assert.deepEqual(sortedVolumes(made(late, context)), sortedVolumes(made(early, context)), name)
  }
})

test('fields that nobody knows survive at every level, and the pod that came is not changed', () => {
  for (const { name, pod, context } of FRESH) {
    const ids: string[] = []
    const decorated = frozen(decorate(pod, ids))
    const result = inject(decorated, context)
    assert.equal(result.is, 'injected', name)
    const text = JSON.stringify(result)
    assert.deepEqual(
      ids.filter((id) => !text.includes(id)),
      [],
      name,
    )
  }
})

test('whatever an annotation holds, the answer is a pod or a refusal', () => {
  const values = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.constantFrom('{{ .Values }}', '*', '[]', '{}', '\\t', '"', '\ud800', '__proto__', '-'),
  )
  const annotations = fc.dictionary(fc.constantFrom(...Object.keys(ANNOTATIONS)), values, { maxKeys: 4 })
  fc.assert(
    fc.property(annotations, fc.constantFrom('init', 'cni'), (some, mode) => {
      const result = inject(podOf({ annotations: some }), contextOf({ mode }))
      if (result.is === 'refused') return
      assert.deepEqual(plain(injected(result.pod, { mode })), plain(result.pod))
    }),
    { numRuns: 500 },
  )
})

function made(pod: JsonObject, context: InjectionContext): JsonObject {
  const result = inject(pod, context)
  if (result.is === 'refused') assert.fail(result.reason.code)
  return result.pod
}

/** A made-up field in every object but labels, annotations and quantities, whose keys are the author's own. */
function decorate(value: JsonObject, ids: string[], key = ''): JsonObject {
  const inside = Object.entries(value).map(([name, entry]) => [name, decorated(entry, ids, name)] as const)
  if (['labels', 'annotations', 'limits', 'requests', 'nodeSelector', 'matchLabels'].includes(key))
    return Object.fromEntries(inside)
  const id = `made-up-${ids.length}.`
  ids.push(id)
  return Object.fromEntries([...inside, ['madeUp', { deep: [id] }]])
}

function decorated(entry: Json | undefined, ids: string[], name: string): Json {
  if (isObject(entry)) return decorate(entry, ids, name)
  return isList(entry) ? entry.map((item) => (isObject(item) ? decorate(item, ids) : item)) : (entry ?? null)
}

function frozen<T extends Json>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const entry of Object.values(value)) frozen(entry as Json)
  return Object.freeze(value)
}

/** Without the order of keys. */
function plain(pod: JsonObject): unknown {
  return JSON.parse(JSON.stringify(pod))
}

/** As `plain`; volumes have no order that anybody minds. */
function sortedVolumes(pod: JsonObject): unknown {
  const spec = objectOr(pod['spec'])
  const volumes = objectsOf(spec['volumes']).toSorted((a, b) =>
    JSON.stringify(a['name']) < JSON.stringify(b['name']) ? -1 : 1,
  )
  return plain({ ...pod, spec: { ...spec, volumes } })
}

/**
 * As `plain`, less what nobody can tell after mode `cni`: it writes the settings' values, the status port and its network
 * where the author may have written the same, and takes the spaces out of lists.
 */
function beyondDoubt(pod: JsonObject): unknown {
  return JSON.parse(JSON.stringify(pod), (key, entry: unknown) => {
    if (key === 'k8s.v1.cni.cncf.io/networks') return withoutMultusNetwork(String(entry))
    if (key === 'sidecar.istio.io/interceptionMode' && entry === 'REDIRECT') return undefined
    if (!key.startsWith('traffic.sidecar.istio.io/') || typeof entry !== 'string') return entry
    const items = entry.split(',').map((item) => item.trim())
    const own = items.filter((item) => item !== '' && item !== '*' && item !== '15020')
    return own.length === 0 ? undefined : own
  })
}
