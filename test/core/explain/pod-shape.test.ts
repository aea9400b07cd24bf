import assert from 'node:assert/strict'
import { test } from 'node:test'
import { misshapen } from '../../../src/core/explain/pod-shape.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'

const RIGHT = { kind: 'Pod', metadata: { name: 'web' }, spec: { containers: [{ name: 'a', image: 'a:1' }] } }
const deployment = (template: JsonObject): JsonObject => ({
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: { template },
})

for (const { name, document, says } of [
  { name: 'a pod as it should be', document: RIGHT, says: undefined },
  {
    name: 'fields without a value',
    document: { kind: 'Pod', metadata: { name: 'web', labels: null, annotations: { a: null } }, spec: null },
    says: undefined,
  },
  { name: 'what has no pods', document: { kind: 'ConfigMap', metadata: { labels: { a: 1 } } }, says: undefined },
  {
    name: 'a label without quotes',
    document: { ...RIGHT, metadata: { name: 'web', labels: { 'sidecar.istio.io/inject': false } } },
    says: "pod/web: metadata.labels.'sidecar.istio.io/inject' is false; it must be text; quotes make it one",
  },
  {
    name: "a number among a template's annotations",
    document: deployment({ metadata: { annotations: { port: 15020 } } }),
    says: 'deployment/web: spec.template.metadata.annotations.port is 15020; it must be text; quotes make it one',
  },
  {
    name: 'containers that are a map',
    document: deployment({ spec: { containers: { name: 'a' } } }),
    says: 'deployment/web: spec.template.spec.containers is {"name":"a"}; it must be a list',
  },
  {
    name: 'a container that is a text',
    document: { ...RIGHT, spec: { containers: [{ name: 'a' }, 'b'] } },
    says: 'pod/web: spec.containers.1 is "b"; it must be a map',
  },
  {
    name: 'a name that is a number',
    document: { ...RIGHT, metadata: { name: 7 } },
    says: /^pod\/: metadata\.name is 7/,
  },
  {
    name: 'the item of a list',
    document: { kind: 'List', items: [RIGHT, { ...RIGHT, spec: [] }] },
    says: 'pod/web: spec is []; it must be a map',
  },
])
  test(`${name}: ${says === undefined ? 'nothing is wrong' : 'the field is named, and what it must be'}`, () => {
    const problem = misshapen(document)
    if (says instanceof RegExp) assert.match(problem ?? '', says)
    else assert.equal(problem, says)
  })
