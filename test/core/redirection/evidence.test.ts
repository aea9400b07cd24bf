import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Evidence,
  judge,
  type Seen,
  type Sighting,
  TRAFFIC_CLASSES,
} from '../../../src/core/redirection/evidence.ts'
import { sentence } from '../../../src/core/vocabulary/reasons.ts'

const TO = { address: '192.0.2.1', port: 80 }
const arrived: Seen = { end: 'accepted', port: 15001, listener: true }
const gone: Seen = { end: 'left', code: 'EHOSTUNREACH' }

const sighting = (over: Partial<Sighting> = {}): Sighting => ({
  class: 'outbound',
  family: 4,
  to: TO,
  leadsTo: 15001,
  transparent: false,
  seen: arrived,
  listening: true,
  ...over,
})
const evidence = (sightings: readonly Sighting[], over: Partial<Evidence> = {}): Evidence => ({
  sightings,
  proxyExpected: true,
  missingRules: null,
  ...over,
})

const ONE: readonly (readonly [string, Partial<Sighting>, boolean | null, RegExp])[] = [
  ['taken by the proxy', {}, true, /^outbound IPv4 traffic \(192\.0\.2\.1\) arrives at the proxy's port 15001$/],
  ['caught on its way', { seen: { end: 'caught', port: 15001, wanted: TO } }, true, /arrives at/],
  [
    'a datagram that was caught',
    { class: 'dns-udp', seen: { end: 'caught', port: 15001, wanted: null } },
    true,
    /DNS over UDP/,
  ],
  [
    'something else that was caught',
    { seen: { end: 'caught', port: 15001, wanted: { ...TO, port: 81 } } },
    false,
    /came to port 15001 on its way to 192\.0\.2\.1 port 81/,
  ],
  [
    'caught at another port of the proxy',
    { seen: { end: 'caught', port: 15006, wanted: TO } },
    false,
    /came to port 15006/,
  ],
  ['translated to the proxy’s port', { seen: { end: 'tracked', port: 15001 } }, true, /arrives at/],
  ['tracked and left alone', { seen: { end: 'tracked', port: 80 } }, false, /no rule translates it/],
  ['translated to another port', { seen: { end: 'tracked', port: 4140 } }, false, /rules lead it to port 4140/],
  [
    'taken by another port',
    { seen: { end: 'accepted', port: 4140, listener: true } },
    false,
    /port 4140 of the pod took it/,
  ],
  ['out by a route', { seen: gone }, false, /it left the pod \(EHOSTUNREACH\)/],
  ['refused', { seen: { end: 'refused' } }, false, /it was refused/],
  ['answered by somebody elsewhere', { seen: { end: 'answered' } }, false, /somebody outside the pod/],
  ['without an answer', { seen: { end: 'silence' } }, false, /nothing answered/],
  [
    'inbound without an answer',
    { class: 'inbound', seen: { end: 'silence' } },
    null,
    /^it cannot be determined whether .* is redirected: nothing answered/,
  ],
  ['inbound answered elsewhere', { class: 'inbound', seen: { end: 'answered' } }, null, /cannot be determined/],
  ['inbound refused', { class: 'inbound', seen: { end: 'refused' } }, false, /does not arrive/],
  [
    'not to be sent',
    { seen: { end: 'unknown', code: 'ENETUNREACH' } },
    null,
    /cannot be determined whether .* is redirected: ENETUNREACH/,
  ],
  [
    'TPROXY, on a port that nobody listens on',
    { transparent: true, seen: { end: 'accepted', port: 80, listener: false } },
    true,
    /arrives/,
  ],
  [
    'TPROXY, on a port of the application',
    { transparent: true, seen: { end: 'accepted', port: 80, listener: true } },
    null,
    /port 80/,
  ],
  ['REDIRECT, on the port it was sent to', { seen: { end: 'accepted', port: 80, listener: false } }, false, /port 80/],
  ['the proxy’s own, out by a route', { class: 'proxy', seen: gone }, true, /left alone/],
  ['the proxy’s own, taken by the proxy', { class: 'proxy', seen: arrived }, false, /redirected back to the proxy/],
  [
    'the proxy’s own, not to be sent',
    { class: 'proxy', seen: { end: 'unknown', code: 'ENETUNREACH' } },
    null,
    /cannot be determined/,
  ],
]
for (const [name, over, holds, words] of ONE)
  test(`a probe that ended ${name} ${holds === null ? 'proves nothing' : holds ? 'holds' : 'fails'}`, () => {
    const [measured] = judge(evidence([sighting(over)])).measured
    assert.equal(measured?.holds, holds)
    assert.match(sentence(measured.reason), words)
  })

const good = sighting()
const bad = sighting({ family: 6, seen: gone })
const dark = sighting({ class: 'inbound', seen: { end: 'silence' } })
const loop = sighting({ class: 'proxy' })
const ALL: readonly (readonly [string, Evidence, string])[] = [
  ['all classes hold', evidence([good, sighting({ class: 'proxy', seen: gone })]), 'redirected'],
  ['one family is missing', evidence([good, bad]), 'partial'],
  ['nothing holds', evidence([bad, sighting({ seen: gone })]), 'bypassing'],
  ['nothing holds and one class is dark', evidence([bad, dark]), 'bypassing'],
  ['one class is dark', evidence([good, dark]), 'unknown'],
  ['one class fails and another is dark', evidence([good, bad, dark]), 'partial'],
  ['all classes are dark', evidence([dark]), 'unknown'],
  ['nothing was measured', evidence([]), 'unknown'],
  ['only the proxy’s own traffic was measured', evidence([sighting({ class: 'proxy', seen: gone })]), 'unknown'],
  ['the proxy talks to itself', evidence([good, loop]), 'partial'],
  ['a listing misses a rule', evidence([good], { missingRules: ['nat OUTPUT: jump'] }), 'partial'],
  ['a listing misses nothing', evidence([good], { missingRules: [] }), 'redirected'],
  ['a listing misses nothing but nothing was measured', evidence([], { missingRules: [] }), 'unknown'],
  [
    'the proxy is gone',
    evidence([sighting({ seen: { end: 'caught', port: 15001, wanted: TO }, listening: false })]),
    'partial',
  ],
  [
    'the proxy is not there yet',
    evidence([sighting({ seen: { end: 'caught', port: 15001, wanted: TO }, listening: false })], {
      proxyExpected: false,
    }),
    'redirected',
  ],
]
for (const [name, given, is] of ALL)
  test(`when ${name}, the pod is ${is}`, () => {
    assert.equal(judge(given).is, is)
  })

test('what a listing and the proxy lack is said in words', () => {
  const { also } = judge(evidence([sighting({ listening: false })], { missingRules: ['a', 'b'] }))
  assert.deepEqual(also.map(sentence), [
    "nobody listens on the proxy's port 15001, to which outbound IPv4 traffic (192.0.2.1) leads",
    'rules that should be there are not: a; b',
  ])
})

const anySeen = fc.constantFrom<Seen>(
  arrived,
  gone,
  { end: 'silence' },
  { end: 'refused' },
  { end: 'unknown', code: 'EPERM' },
)
const anySighting = fc
  .record({ class: fc.constantFrom(...TRAFFIC_CLASSES), seen: anySeen, listening: fc.boolean() })
  .map(sighting)

test('a pod is redirected only if every measurement holds', () => {
  fc.assert(
    fc.property(fc.array(anySighting), (sightings) => {
      const { is, measured } = judge(evidence(sightings))
      if (is === 'redirected') assert.ok(measured.length > 0 && measured.every(({ holds }) => holds === true))
    }),
  )
})

test('a listing makes no pod redirected, no bypass less, and a missing rule never passes', () => {
  fc.assert(
    fc.property(fc.array(anySighting), fc.array(fc.string()), (sightings, missingRules) => {
      const without = judge(evidence(sightings)).is
      const given = judge(evidence(sightings, { missingRules })).is
      assert.ok(given !== 'redirected' || (without === 'redirected' && missingRules.length === 0))
      assert.equal(given === 'bypassing', without === 'bypassing')
    }),
  )
})
