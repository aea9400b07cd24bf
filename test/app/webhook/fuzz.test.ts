import assert from 'node:assert/strict'
import { before, after, test } from 'node:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import fastJsonPatch, { type Operation } from 'fast-json-patch'
import { DEFAULT_LIMITS } from '../../../src/app/webhook/limits.ts'
import { DEFAULT_INSTALLATION } from '../../../src/app/webhook/options.ts'
import { createRecorder, webhookMetrics } from '../../../src/app/webhook/record.ts'
import { createServer, type WebhookServer } from '../../../src/app/webhook/server.ts'
import { worldOf } from '../../../src/app/webhook/world.ts'
import { outcomeOf } from '../../../src/core/explain/outcome-of.ts'
import { isList, isObject, type Json } from '../../../src/core/json/value.ts'
import { createLogger } from '../../../src/edge/telemetry/logger.ts'
import { directoryStore } from '../../../src/edge/tls/directory-store.ts'
import { selfMadeSource } from '../../../src/edge/tls/self-made-source.ts'
import { cluster, pod, review } from './cluster.ts'

/** half of them are pods with a few spots spoilt, the rest comes ever farther from a review */
const RUNS = 10_000

let app: WebhookServer
let directory: string
const faults: unknown[] = []

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-test-'))
  const source = selfMadeSource({
    store: directoryStore(directory),
    names: ['localhost'],
    caName: 'fuzz',
    now: () => new Date(),
    report: (error) => faults.push(error),
    announce: () => undefined,
  })
  await source.refresh()
  const certificate = source.current()
  assert.ok(certificate !== undefined)
  const recorder = createRecorder(createLogger({ level: 'silent' }), webhookMetrics())
  app = createServer({
    source: worldOf(cluster(), DEFAULT_INSTALLATION),
    decide: outcomeOf,
    record: {
      ...recorder,
      failed: (failure) => {
        if (failure.code === 'internal') faults.push(failure.cause)
        recorder.failed(failure)
      },
    },
    limits: DEFAULT_LIMITS,
    certificate,
    checks: () => [],
    draining: () => false,
  }).app
})
after(async () => {
  await app.close()
  await rm(directory, { recursive: true, force: true })
})

const ANNOTATIONS = [
  'sidecar.istio.io/status',
  'sidecar.istio.io/proxyImage',
  'sidecar.istio.io/nativeSidecar',
  'sidecar.istio.io/interceptionMode',
  'inject.istio.io/templates',
  'proxy.istio.io/config',
  'proxy.istio.io/overrides',
  'traffic.sidecar.istio.io/includeInboundPorts',
  'traffic.sidecar.istio.io/excludeOutboundIPRanges',
  'status.sidecar.istio.io/port',
  'prometheus.io/scrape',
  'prometheus.io/port',
  'k8s.v1.cni.cncf.io/networks',
  'sluice-mesh.io/decided',
  'sluice-mesh.io/intent',
  '__proto__',
  'constructor',
]
const LABELS = ['sluice-mesh.io/mode', 'sidecar.istio.io/inject', 'istio.io/rev', 'istio.io/dataplane-mode', 'toString']
const word = fc.oneof(
  fc.constantFrom(
    '',
    'true',
    'false',
    'ambient',
    'cni',
    'init',
    'none',
    'TPROXY',
    'istio-proxy',
    '*',
    '15001',
    '{}',
    '[1]',
    '"',
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
)
const rubbish: fc.Arbitrary<Json> = fc.oneof(
  word,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
)

const container = fc.record(
  { name: fc.oneof(fc.constantFrom('web', 'istio-proxy', 'istio-init'), word), image: word },
  { requiredKeys: [] },
)
const aPod = fc
  .record({
    annotations: fc.dictionary(fc.constantFrom(...ANNOTATIONS), word, { maxKeys: 4 }),
    labels: fc.dictionary(fc.constantFrom(...LABELS), word, { maxKeys: 3 }),
    spec: fc.record(
      {
        hostNetwork: fc.boolean(),
        nodeName: word,
        initContainers: fc.array(container, { maxLength: 3 }),
        containers: fc.array(container, { maxLength: 4 }),
        securityContext: fc.record({ fsGroup: fc.integer(), runAsUser: fc.integer() }, { requiredKeys: [] }),
        nodeSelector: fc.dictionary(word, word, { maxKeys: 2 }),
      },
      { requiredKeys: [] },
    ),
  })
  .map(({ annotations, labels, spec }) => pod({ metadata: { annotations, labels }, spec: spec }))
const aReview = fc
  .tuple(aPod, fc.constantFrom('mesh', 'ambient', 'restricted', 'plain'), fc.boolean())
  .map(([object, space, dryRun]) => review(object, space, { dryRun }))

/** Puts `value` (or nothing) at the place that `choices` lead to. */
function spoilt(target: Json, choices: readonly number[], value: Json | undefined): Json {
  const [choice = 0, ...rest] = choices
  if (choices.length === 0 || !(isList(target) || isObject(target))) return value ?? null
  const keys = Object.keys(target)
  const key = keys[choice % Math.max(keys.length, 1)]
  if (key === undefined) return value ?? null
  if (isList(target)) return target.with(Number(key), spoilt(target[Number(key)] ?? null, rest, value))
  if (rest.length === 0 && value === undefined)
    return Object.fromEntries(Object.entries(target).filter(([other]) => other !== key))
  return { ...target, [key]: spoilt(target[key] ?? null, rest, value) }
}

const spot = fc.tuple(fc.array(fc.nat(), { minLength: 1, maxLength: 9 }), fc.option(rubbish, { nil: undefined }))
const spoiltReview = fc
  .tuple(aReview, fc.array(spot, { maxLength: 3 }))
  .map(([start, spots]) =>
    JSON.stringify(spots.reduce<Json>((value, [choices, put]) => spoilt(value, choices, put), start)),
  )
const cut = fc.tuple(aReview, fc.nat(5000)).map(([start, at]) => JSON.stringify(start).slice(0, at))
const body: fc.Arbitrary<string | Buffer> = fc.oneof(
  { weight: 8, arbitrary: spoiltReview },
  { weight: 1, arbitrary: cut },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
)

interface AnyReview {
  readonly request?: { readonly uid?: unknown; readonly object?: unknown }
}

function assertByProtocol(sent: string | Buffer, text: string): 'patched' | 'other' {
  const { request } = JSON.parse(sent.toString()) as AnyReview
  const { response } = JSON.parse(text) as { readonly response: { readonly [key: string]: unknown } }
  assert.equal(response['uid'], request?.uid)
  assert.equal(typeof response['allowed'], 'boolean')
  assert.equal('patch' in response, 'patchType' in response)
  assert.ok(response['allowed'] === true || !('patch' in response))
  if (typeof response['patch'] !== 'string') return 'other'
  const patch = JSON.parse(Buffer.from(response['patch'], 'base64').toString()) as Operation[]
  assert.ok(patch.length > 0)
  fastJsonPatch.applyPatch(request?.object, patch, true, false)
  return 'patched'
}

test(`${RUNS} reviews of every kind of nonsense: no crash, each answered by the protocol`, async () => {
  const seen = { patched: 0, other: 0, refused: 0 }
  await fc.assert(
    fc.asyncProperty(body, async (payload) => {
      const answer = await app.inject({
        method: 'POST',
        url: '/inject',
        headers: { 'content-type': 'application/json' },
        payload,
      })
      assert.deepEqual(faults.splice(0), [])
      assert.ok([200, 400, 503].includes(answer.statusCode), `${answer.statusCode}: ${answer.body}`)
      if (answer.statusCode === 200) seen[assertByProtocol(payload, answer.body)]++
      else seen.refused++
    }),
    { numRuns: RUNS },
  )
  assert.ok(
    Object.values(seen).every((count) => count > RUNS / 100),
    JSON.stringify(seen),
  )
})
