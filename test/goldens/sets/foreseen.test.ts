import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { isObject, type Json, type JsonObject, objectOr } from '../../../src/core/json/value.ts'
import { readDifferences } from '../intended.ts'
import { explains, INJECTION_QUIRKS } from './foreseen.ts'
import { SETS } from './sets.ts'

const here = join(import.meta.dirname, '..')
const listed = readDifferences(readFileSync(join(here, 'differences.tsv'), 'utf8'))
const cases = SETS.flatMap((set) => set.cases(join(here, set.place)).map((golden) => ({ set, golden })))

const STATUS = 'sidecar.istio.io/status'

function podWith(annotations: JsonObject, ...containers: readonly JsonObject[]): JsonObject {
  return { metadata: { annotations }, spec: { containers } }
}

/** Quirks by an input that shows them, and a line that is then no surprise. */
const UNLISTED: readonly { readonly quirk: string; readonly input: JsonObject; readonly line: string }[] = [
  {
    quirk: '2, with 14',
    input: { pod: podWith({ [STATUS]: '{}' }, { name: 'istio-proxy' }) },
    line: 'metadata.annotations.\'traffic.sidecar.istio.io/includeInboundPorts\': expected "*", got nothing',
  },
  {
    quirk: '3',
    input: { pod: podWith({ [STATUS]: '{"containers":["web"]}' }, { name: 'web' }) },
    line: 'spec.containers[1 istio-proxy].env[10 ISTIO_META_APP_CONTAINERS].value: expected nothing, got "web"',
  },
  {
    quirk: '4',
    input: {
      meshConfig: { defaultConfig: { interceptionMode: 'TPROXY' } },
      pod: podWith({ 'sidecar.istio.io/interceptionMode': 'REDIRECT' }, { name: 'istio-proxy' }),
    },
    line: 'spec.containers[1 istio-proxy].securityContext.runAsUser: expected 0, got 1234',
  },
  {
    quirk: '31',
    input: { pod: podWith({ 'k8s.v1.cni.cncf.io/networks': '[]' }) },
    line: 'metadata.annotations.\'k8s.v1.cni.cncf.io/networks\': expected "[, {}]", got "[{}]"',
  },
  {
    quirk: 'other pods',
    input: { pod: { spec: { os: { name: 'windows' } } } },
    line: 'outcome: expected "injected", got "skipped"',
  },
  {
    quirk: 'proxyImage',
    input: { pod: podWith({ 'sidecar.istio.io/proxyImage': 'proxy' }) },
    line: 'spec.initContainers[1 istio-proxy].image: expected "hub/x/proxy:9:latest", got "x/proxy:9"',
  },
  {
    quirk: 'overrides',
    input: { pod: podWith({ 'proxy.istio.io/overrides': '{"containers":[{"name":"istio-proxy"}]}' }) },
    line: 'spec.initContainers[1 istio-proxy].image: expected "a", got "b"',
  },
  {
    quirk: 'offline',
    input: { documents: [{ kind: 'Rollout' }] },
    line: '[0].spec.template.metadata.labels: expected nothing, got {}',
  },
  {
    quirk: 'cni 23',
    input: {
      values: { pilot: { cni: { enabled: true } } },
      pod: podWith({ 'traffic.sidecar.istio.io/includeOutboundPorts': '*' }),
    },
    line: 'outcome: expected "injected", got "error"',
  },
]

describe('what a quirk foresees', () => {
  const known = cases.filter(({ golden }) => listed.has(golden.name) && golden.foresees !== undefined)

  test('there are known cases to try it on', () => {
    assert.ok(known.length >= 20, `only ${known.length}`)
  })

  for (const { set, golden } of known) {
    test(`${golden.name}: its difference, and none in another place`, () => {
      const lines = set.differences(golden.expected, golden.actual())
      assert.equal(golden.foresees?.(lines), true, lines.join('\n'))
      const more = ['metadata.labels.\'app\': expected "web", got nothing', ...lines]
      assert.equal(golden.foresees(more), false)
    })
  }

  for (const { quirk, input, line } of UNLISTED) {
    test(`${quirk}: what no known case shows`, () => {
      assert.equal(explains(INJECTION_QUIRKS, input, [line]), true)
      assert.equal(explains(INJECTION_QUIRKS, input, [line, 'metadata.labels.x: expected nothing, got 1']), false)
      assert.equal(explains(INJECTION_QUIRKS, { ...input, pod: { metadata: {} }, documents: [] }, [line]), false)
    })
  }

  test('a case that shows no quirk explains nothing', () => {
    const plain = cases.find(({ golden }) => golden.name === 'hello')
    assert.ok(plain)
    const broken: Json = { ...objectOr(plain.golden.actual()), injected: { metadata: {}, spec: { containers: [] } } }
    const lines = plain.set.differences(plain.golden.expected, isObject(broken) ? broken : null)
    assert.ok(lines.length > 0)
    assert.equal(plain.golden.foresees?.(lines), false)
  })
})
