import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diff } from '../../../src/core/admission/patch.ts'
import { outcomeOf } from '../../../src/core/explain/outcome-of.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { factsOf } from '../decision/facts-fixture.ts'

/** `value` through which every look at a property is counted, however deep; each part keeps one identity. */
function counted<T extends object>(value: T, count: () => void): T {
  const known = new WeakMap<object, object>()
  const wrap = (target: unknown): unknown => {
    if (typeof target !== 'object' || target === null) return target
    const there = known.get(target)
    if (there !== undefined) return there
    const proxy = new Proxy(target, {
      get: (object, key, receiver) => {
        count()
        return wrap(Reflect.get(object, key, receiver))
      },
    })
    known.set(target, proxy)
    return proxy
  }
  return wrap(value) as T
}

const times = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, index) => make(index))
const env = (count: number): readonly JsonObject[] =>
  times(count, (index) => ({ name: `E${index}`, value: 'x'.repeat(100) }))
const app: JsonObject = { name: 'app', image: 'a:1', ports: [{ containerPort: 80 }] }
const probed = (index: number): JsonObject => ({
  ...app,
  name: `app-${index}`,
  readinessProbe: { httpGet: { path: '/', port: 80 } },
  env: env(10),
})

/** Pods that grow with `size` in one way each; the largest are about as large as the API server takes. */
const GROWING: Readonly<Record<string, (size: number) => JsonObject>> = {
  'containers with probes': (size) => ({ containers: times(size, probed) }),
  'init containers': (size) => ({ containers: [app], initContainers: times(size, probed) }),
  'environment of an application': (size) => ({ containers: [{ ...app, env: env(size * 10) }] }),
  'environment of the author’s istio-proxy': (size) => ({
    containers: [app, { name: 'istio-proxy', image: 'auto', env: env(size * 10) }],
  }),
  'one variable again and again': (size) => ({
    containers: [app, { name: 'istio-proxy', image: 'auto', env: times(size * 10, () => ({ name: 'POD_NAME' })) }],
  }),
  'volumes and mounts': (size) => ({
    volumes: times(size, (index) => ({ name: `v${index}`, emptyDir: {} })),
    containers: [{ ...app, volumeMounts: times(size, (index) => ({ name: `v${index}`, mountPath: `/v${index}` })) }],
  }),
}

function looksAt(spec: JsonObject, mode: string, again: boolean): number {
  let looks = 0
  const facts = factsOf({ namespaceLabels: { 'sluice-mesh.io/mode': mode } })
  const plain = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', labels: { app: 'x' } }, spec }
  const pod = counted(again ? outcomeOf({ ...facts, pod: plain }).pod : plain, () => looks++)
  const outcome = outcomeOf({ ...facts, pod })
  assert.equal(outcome.decision.is, 'meshed')
  diff(pod, outcome.pod)
  return looks
}

for (const [name, specOf] of Object.entries(GROWING))
  for (const mode of ['cni', 'init'])
    for (const again of [false, true])
      test(`four times the ${name} cost no more than four times the looks, in mode ${mode}${again ? ', again' : ''}`, () => {
        const [small, large] = [looksAt(specOf(50), mode, again), looksAt(specOf(200), mode, again)]
        assert.ok(large < 4.4 * small, `${small} and ${large}`)
      })
