import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AdmissionMemo, type Told } from '../../../src/app/webhook/admission-memo.ts'
import { admit } from '../../../src/app/webhook/admit.ts'
import { answerOf } from '../../../src/app/webhook/answer.ts'
import { DEFAULT_INSTALLATION } from '../../../src/app/webhook/options.ts'
import type { FactSource } from '../../../src/app/webhook/snapshot.ts'
import { spellingOf } from '../../../src/app/webhook/spelling.ts'
import { worldOf } from '../../../src/app/webhook/world.ts'
import { outcomeOf } from '../../../src/core/explain/outcome-of.ts'
import { parseJson, stringify } from '../../../src/core/json/parse.ts'
import { objectOr, type JsonObject } from '../../../src/core/json/value.ts'
import { DEFAULT_POLICY } from '../../../src/core/settings/policy.ts'
import { cluster, configMap, namespace, node, pod, review, UID } from './cluster.ts'

const WORLD = worldOf(cluster(), DEFAULT_INSTALLATION)
const OTHER_UID = '00000000-6393-11e8-b7cc-42010a800002'

interface Asked {
  readonly text: string
  readonly path?: string
  readonly source?: FactSource
}

/** Without a memory: the answer's text and what is recorded, or why there is none. */
function worked({ text, path = '/inject', source = WORLD }: Asked): Omit<Told, 'remembered'> | string {
  try {
    const { response, account } = admit({ path, text }, source, (facts) => answerOf(facts, outcomeOf))
    return { text: stringify(response), account }
  } catch (error) {
    return String(error)
  }
}

/** A memo, held to what is answered without it; tells whether it remembered. */
function held(): (asked: Asked) => boolean {
  const memo = new AdmissionMemo()
  return (asked) => {
    const { path = '/inject', text, source = WORLD } = asked
    let told: Told | string
    try {
      const decide = (): ReturnType<typeof admit> =>
        admit({ path, text }, source, (facts) => answerOf(facts, outcomeOf))
      told = memo.of({ path, text }, source, decide)
    } catch (error) {
      told = String(error)
    }
    if (typeof told === 'string') assert.equal(told, worked(asked))
    else assert.deepEqual({ text: told.text, account: told.account }, worked(asked))
    return typeof told !== 'string' && told.remembered
  }
}

function textOf(of: JsonObject, over: JsonObject = {}): string {
  return stringify(review(of, 'mesh', over))
}

/** The pod with its token in a volume as the API server names it. */
function withToken(suffix: string, of: JsonObject = pod()): JsonObject {
  const text = JSON.stringify(of).replaceAll('"name":"token"', `"name":"kube-api-access-${suffix}"`)
  return objectOr(parseJson(text))
}

function withMetadata(of: JsonObject, metadata: JsonObject): JsonObject {
  return { ...of, metadata: { ...objectOr(of['metadata']), ...metadata } }
}

function writtenAt(time: string, of: JsonObject = pod()): JsonObject {
  const entry = {
    manager: 'kube-controller-manager',
    operation: 'Update',
    apiVersion: 'v1',
    time,
    fieldsType: 'FieldsV1',
  }
  return withMetadata(of, { managedFields: [{ ...entry, fieldsV1: { 'f:metadata': { 'f:generateName': {} } } }] })
}

const [T1, T2] = ['2026-01-01T00:00:00Z', '2026-01-01T00:00:09Z'] as const

test('pods of one ReplicaSet are worked out once, whatever their token, their time and their review are called', () => {
  const ask = held()
  assert.equal(ask({ text: textOf(writtenAt(T1, withToken('2bcdf'))) }), false)
  assert.equal(ask({ text: textOf(writtenAt(T2, withToken('x7zq9')), { uid: OTHER_UID }) }), true)
  assert.equal(ask({ text: textOf(writtenAt(T2, withToken('zzzzz'))) }), true)
})

test('a refusal is remembered, too', () => {
  const ask = held()
  const bad = withMetadata(pod(), { annotations: { 'traffic.sidecar.istio.io/excludeOutboundPorts': 'x' } })
  assert.equal(ask({ text: textOf(bad) }), false)
  assert.equal(ask({ text: textOf(bad, { uid: OTHER_UID }) }), true)
})

const MOUNT = { name: 'token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }
const PROXY = { name: 'istio-proxy', image: 'auto', volumeMounts: [MOUNT] }
const TOKENS = ['2bcdf', 'x7zq9'] as const

/** Pairs of reviews that ask different things, or that nothing says are the same. */
const OTHERS: readonly { readonly name: string; readonly texts: readonly [string, string] }[] = [
  {
    name: 'another image',
    texts: [textOf(pod()), textOf(pod({ spec: { containers: [{ name: 'web', image: 'other' }] } }))],
  },
  { name: 'another label', texts: [textOf(pod()), textOf(withMetadata(pod(), { labels: { app: 'other' } }))] },
  {
    name: 'no metadata',
    texts: [textOf({ spec: pod()['spec'] ?? {}, metadata: {} }), textOf({ spec: pod()['spec'] ?? {} })],
  },
  { name: 'a dry run', texts: [textOf(pod()), textOf(pod(), { dryRun: true })] },
  { name: 'another namespace', texts: [textOf(pod()), stringify(review(pod(), 'plain'))] },
  {
    name: 'another token, which the answer names',
    texts: both((suffix) => textOf(withToken(suffix, pod({ spec: { containers: [PROXY] } })))),
  },
  {
    name: 'another token, where an annotation names one of them',
    texts: both((suffix) =>
      textOf(withMetadata(withToken(suffix), { annotations: { 'example.com/seen': 'kube-api-access-2bcdf' } })),
    ),
  },
  {
    name: 'another token, which is a label by which a policy may choose, too',
    texts: both((suffix) => textOf(withMetadata(withToken(suffix), { labels: { name: `kube-api-access-${suffix}` } }))),
  },
  {
    name: "another token, which is the pod's own name, too",
    texts: both((suffix) => textOf(withMetadata(withToken(suffix), { name: `kube-api-access-${suffix}` }))),
  },
  {
    name: 'a name that looks like a token and is none',
    texts: both((suffix) => textOf(withMetadata(pod(), { labels: { name: `kube-api-access-${suffix}` } }))),
  },
  {
    name: 'the sign of a token',
    texts: [textOf(withToken('2bcdf')), textOf(pod()).replaceAll('"name":"token"', '"name":"\0"')],
  },
  {
    name: 'a time elsewhere than in its own metadata',
    texts: [T1, T2].map((time) =>
      textOf(pod({ spec: { containers: [{ ...PROXY, ...objectOr(writtenAt(time)['metadata']) }] } })),
    ) as [string, string],
  },
  {
    name: 'a time in a container, where the metadata spell theirs otherwise',
    texts: [T1, T2].map((time) =>
      textOf(pod({ spec: { containers: [{ ...PROXY, ...objectOr(writtenAt(time)['metadata']) }] } })).replace(
        '"metadata":{',
        '"metadata":{"managedFields" : [],',
      ),
    ) as [string, string],
  },
  {
    name: 'another time of a second writer',
    texts: [T1, T2].map((time) => {
      const [first] = objectOr(writtenAt(T1)['metadata'])['managedFields'] as readonly JsonObject[]
      return textOf(withMetadata(pod(), { managedFields: [first ?? {}, { ...first, time }] }))
    }) as [string, string],
  },
  { name: 'a key twice', texts: [textOf(pod()), textOf(pod()).replace(/\}$/, ',"kind":"x"}')] },
  { name: 'a uid that is no uid', texts: [textOf(pod(), { uid: 'u' }), textOf(pod(), { uid: 'v' })] },
  { name: 'a field behind its uid', texts: [textOf(pod()), textOf(pod()).replace('"uid":', '"a":1,"uid":')] },
]

function both(make: (suffix: string) => string): readonly [string, string] {
  return [make(TOKENS[0]), make(TOKENS[1])]
}

for (const { name, texts } of OTHERS)
  test(`a review with ${name} is another review`, () => {
    assert.notEqual(texts[0], texts[1])
    const ask = held()
    for (const text of texts) assert.equal(ask({ text }), false)
  })

test('where letters are spelt by their numbers, so that a name could hide, a review is known as it stands', () => {
  const text = textOf(writtenAt(T1, withToken('2bcdf')))
  assert.doesNotMatch(spellingOf(text, false)?.key ?? '2bcdf', /2bcdf/)
  for (const hidden of ['\\u006bube', 'kube\\u002Dapi', '\\u0032'])
    assert.match(spellingOf(text.replace('"app":"web"', `"app":"${hidden}"`), false)?.key ?? '', /2bcdf/)
})

const grown = (...more: readonly JsonObject[]): FactSource => worldOf([...cluster(), ...more], DEFAULT_INSTALLATION)
const CHANGES: readonly { readonly name: string; readonly source: FactSource }[] = [
  { name: 'settings', source: grown(configMap('istio-system', 'istio', { mesh: 'trustDomain: other.example\n' })) },
  { name: 'labels of the namespace', source: grown(namespace('mesh', { 'istio-injection': 'disabled' })) },
  { name: 'nodes', source: grown(node('node-3', [])) },
]

for (const { name, source } of CHANGES)
  test(`with other ${name} the same pod is another question`, () => {
    const ask = held()
    ask({ text: textOf(pod()) })
    assert.equal(ask({ text: textOf(pod()), source }), false)
    assert.equal(ask({ text: textOf(pod()) }), false, 'what was known before is forgotten')
  })

test('by another path the same pod is another question', () => {
  const ask = held()
  ask({ text: textOf(pod()) })
  const path = '/inject/net/other'
  assert.equal(ask({ text: textOf(pod()), path }), false)
  assert.equal(ask({ text: textOf(pod(), { uid: OTHER_UID }), path }), true)
})

test('on facts that are too old for NET_ADMIN nothing is remembered and nothing remembered is given', () => {
  let ageSeconds = 0
  const source = { ...sourceOf(cluster().filter(({ kind }) => kind !== 'DaemonSet')), ageSeconds: () => ageSeconds }
  const ask = held()
  ask({ text: textOf(pod()), source })
  ageSeconds = DEFAULT_POLICY.maxStaleSeconds + 1
  assert.match(JSON.stringify(worked({ text: textOf(pod()), source })), /"allowed\\":false/)
  assert.equal(ask({ text: textOf(pod()), source }), false)
  assert.equal(ask({ text: textOf(pod()), source }), false)
  ageSeconds = 0
  assert.equal(ask({ text: textOf(pod()), source }), true)
})

test('an answer that facts grew too old for while it was worked out is not remembered', () => {
  const { maxStaleSeconds } = DEFAULT_POLICY
  const source = sourceOf(cluster().filter(({ kind }) => kind !== 'DaemonSet'))
  const text = textOf(pod())
  const memo = new AdmissionMemo()
  const told = (...ages: readonly number[]): Told => {
    const left = [...ages]
    const aging = { ...source, ageSeconds: () => left.shift() ?? ages.at(-1) ?? 0 }
    return memo.of({ path: '/inject', text }, aging, () =>
      admit({ path: '/inject', text }, aging, (facts) => answerOf(facts, outcomeOf)),
    )
  }
  assert.match(told(maxStaleSeconds, maxStaleSeconds + 0.001).text, /"allowed":false/)
  assert.match(told(0).text, /"allowed":true/)
})

function sourceOf(objects: readonly JsonObject[]): FactSource {
  const world = worldOf(objects, DEFAULT_INSTALLATION)
  return { current: () => world.current(), ageSeconds: () => 0, problems: () => new Map() }
}

test('where the settings have templates of their own, which may read all of a pod, its writers count too', () => {
  const templates = 'policy: enabled\ndefaultTemplates: [sidecar]\ntemplates: {own: "metadata: {}"}\n'
  const values = '{"global":{"hub":"example.com/istio","tag":"1.32.0"}}'
  const source = grown(configMap('istio-system', 'istio-sidecar-injector', { config: templates, values }))
  const ask = held()
  assert.equal(ask({ text: textOf(writtenAt(T1)), source }), false)
  assert.equal(ask({ text: textOf(writtenAt(T2)), source }), false)
  assert.equal(ask({ text: textOf(writtenAt(T2), { uid: OTHER_UID }), source }), true)
})

test('no more than a bounded number is remembered, the newest', () => {
  const ask = held()
  const numbered = (number: number): Asked => ({
    text: textOf(withMetadata(pod(), { labels: { number: String(number) } })),
  })
  for (let number = 0; number < 257; number++) assert.equal(ask(numbered(number)), false)
  assert.equal(ask(numbered(256)), true)
  assert.equal(ask(numbered(1)), true)
  assert.equal(ask(numbered(0)), false)
})

test('a long review, or one with a long answer, is worked out each time', () => {
  const ask = held()
  for (const length of [60_000, 70_000]) {
    const long = withMetadata(pod(), { annotations: { long: 'x'.repeat(length) } })
    for (let time = 0; time < 2; time++) assert.equal(ask({ text: textOf(long) }), false)
  }
})

test('property: with a memo, in any order, each review gets what it gets without', () => {
  const name = fc.constantFrom('web', 'istio-proxy', 'kube-api-access-2bcdf', 'workload-socket', 'x')
  const suffix = fc.constantFrom('2bcdf', 'x7zq9', 'zzzzz')
  const text = fc.constantFrom(
    'a',
    'true',
    '\0',
    '"name":"kube-api-access-x7zq9"',
    'kube-api-access-zzzzz',
    'managedFields',
  )
  const container = fc.record({
    name,
    image: fc.constantFrom('auto', 'app:1'),
    env: fc.constantFrom([], [{ name: 'A' }]),
  })
  const shape = fc.record({
    containers: fc.array(container, { minLength: 1, maxLength: 2 }),
    annotations: fc.dictionary(
      fc.constantFrom('sidecar.istio.io/proxyImage', 'prometheus.io/port', 'name', 'time'),
      text,
    ),
  })
  // what is no pod of the API server's: white space, escapes, a sign of ours, parts left out
  const spoil = fc.constantFrom<(text: string) => string>(
    ...([
      ...Array.from({ length: 9 }, () => (of: string) => of),
      (of) => of.replaceAll('"name":"kube', '"name": "kube'),
      (of) => of.replace('kube-api-access', '\\u006bube-api-access'),
      (of) => of.replace('"time"', '"t\\u0069me"'),
      (of) => of.replace('"managedFields":', '"managedFields" :'),
      (of) => of.replace(/"name":"kube-api-access-\w+"/, '"name":"\0"'),
      (of) => of.replace(/(:\d\d)Z"/, '$1Z","time":"2026-01-01T00:00:00Z"'),
      (of) => of.slice(0, -1),
    ] satisfies ((text: string) => string)[]),
  )
  const podOf = (of: { containers: readonly JsonObject[]; annotations: JsonObject }): JsonObject => {
    const mounted = of.containers.map((each) => ({ ...each, volumeMounts: [{ name: 'token', mountPath: '/token' }] }))
    return withMetadata(pod({ spec: { containers: mounted } }), { annotations: of.annotations })
  }
  const time = fc.constantFrom(undefined, T1, T2)
  const rollout = fc.record({
    shapes: fc.array(shape, { minLength: 1, maxLength: 2 }),
    picks: fc.array(fc.tuple(fc.nat(), suffix, time, spoil), { minLength: 2, maxLength: 8 }),
  })
  let known = 0
  fc.assert(
    fc.property(rollout, ({ shapes, picks }) => {
      const ask = held()
      for (const [at, token, when, spoiled] of picks) {
        const made = withToken(token, podOf(shapes[at % shapes.length] ?? { containers: [], annotations: {} }))
        const asked = textOf(when === undefined ? made : writtenAt(when, made), { uid: at % 2 === 0 ? UID : OTHER_UID })
        if (ask({ text: spoiled(asked) })) known += 1
      }
    }),
    { numRuns: 300 },
  )
  assert.ok(known > 100, `only ${known} answers were remembered ones`)
})
