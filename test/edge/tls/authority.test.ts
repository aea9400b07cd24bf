import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import {
  decodeAuthority,
  encodeAuthority,
  planAuthority,
  type Authority,
  type AuthoritySettings,
} from '../../../src/edge/tls/authority.ts'
import { readCertificate, type KeyPair } from '../../../src/edge/tls/certificate.ts'
import { issueCa, issueLeaf } from '../../../src/edge/tls/issue.ts'

const DAY = 86_400_000
const HOUR = 3_600_000
const day = (n: number, hours = 0): Date => new Date(Date.UTC(2030, 0, 1) + n * DAY + hours * HOUR)
const NAMES = ['sluice.sluice-system.svc', '127.0.0.1', '::1']
const SETTINGS: AuthoritySettings = {
  names: NAMES,
  caLifeMs: 300 * DAY,
  leafLifeMs: 30 * DAY,
  skewMs: HOUR,
  overlapMs: HOUR,
}

/** made at day 0, valid an hour earlier */
let old: KeyPair
/** made at day 200 */
let fresh: KeyPair
let leafOfOld: KeyPair
before(async () => {
  old = await issueCa('ca', { notBefore: day(0, -1), notAfter: day(300) })
  fresh = await issueCa('ca', { notBefore: day(200, -1), notAfter: day(500) })
  leafOfOld = await issueLeaf(NAMES, old, { notBefore: day(190), notAfter: day(220) })
})

interface Case {
  readonly name: string
  readonly authority: () => Authority
  readonly now: Date
  readonly names?: readonly string[]
  readonly keep: () => readonly KeyPair[]
  readonly newCa: RegExp | undefined
  readonly signer: () => KeyPair | undefined
  readonly newLeaf: RegExp | undefined
}

const CASES: readonly Case[] = [
  {
    name: 'nothing yet: both are made',
    authority: () => ({ cas: [], leaf: undefined }),
    now: day(0),
    keep: () => [],
    newCa: /no valid CA/,
    signer: () => undefined,
    newLeaf: /no certificate/,
  },
  {
    name: 'all is well: nothing is made',
    authority: () => ({ cas: [old], leaf: leafOfOld }),
    now: day(191),
    keep: () => [old],
    newCa: undefined,
    signer: () => old,
    newLeaf: undefined,
  },
  {
    name: 'two thirds of the CA are over: a new one is made, the old one goes on signing',
    authority: () => ({ cas: [old], leaf: leafOfOld }),
    now: day(200, 1),
    keep: () => [old],
    newCa: /two thirds/,
    signer: () => old,
    newLeaf: undefined,
  },
  {
    name: 'the new CA is too young to sign',
    authority: () => ({ cas: [fresh, old], leaf: leafOfOld }),
    now: day(200, 0),
    keep: () => [fresh, old],
    newCa: undefined,
    signer: () => old,
    newLeaf: undefined,
  },
  {
    name: 'the new CA is known by now: it signs',
    authority: () => ({ cas: [fresh, old], leaf: leafOfOld }),
    now: day(200, 1),
    keep: () => [fresh, old],
    newCa: undefined,
    signer: () => fresh,
    newLeaf: /signed by the CA/,
  },
  {
    name: 'the old CA has expired: it leaves the bundle',
    authority: () => ({ cas: [fresh, old], leaf: leafOfOld }),
    now: day(300),
    keep: () => [fresh],
    newCa: undefined,
    signer: () => fresh,
    newLeaf: /signed by the CA/,
  },
  {
    name: 'two thirds of the certificate are over',
    authority: () => ({ cas: [old], leaf: leafOfOld }),
    now: day(199, 23),
    keep: () => [old],
    newCa: undefined,
    signer: () => old,
    newLeaf: undefined,
  },
  {
    name: 'another name is wanted',
    authority: () => ({ cas: [old], leaf: leafOfOld }),
    now: day(191),
    names: ['other.svc'],
    keep: () => [old],
    newCa: undefined,
    signer: () => old,
    newLeaf: /does not name other.svc/,
  },
  {
    name: 'years asleep: everything anew',
    authority: () => ({ cas: [old], leaf: leafOfOld }),
    now: day(900),
    keep: () => [],
    newCa: /no valid CA/,
    signer: () => undefined,
    newLeaf: /signed by the CA/,
  },
]

for (const { name, authority, now, names, keep, newCa, signer, newLeaf } of CASES)
  test(`a plan for: ${name}`, () => {
    const plan = planAuthority(authority(), { ...SETTINGS, names: names ?? NAMES }, now)
    assert.deepEqual(plan.keep, keep())
    assert.equal(plan.signer, signer())
    if (newCa === undefined) assert.equal(plan.newCa, undefined)
    else assert.match(plan.newCa ?? '', newCa)
    if (newLeaf === undefined) assert.equal(plan.newLeaf, undefined)
    else assert.match(plan.newLeaf ?? '', newLeaf)
  })

test('a certificate is renewed at two thirds of its own life', async () => {
  const leaf = await issueLeaf(NAMES, old, { notBefore: day(10), notAfter: day(40) })
  assert.equal(planAuthority({ cas: [old], leaf }, SETTINGS, day(29)).newLeaf, undefined)
  assert.match(planAuthority({ cas: [old], leaf }, SETTINGS, day(30)).newLeaf ?? '', /two thirds/)
})

test('an authority comes back from its files', () => {
  const authority = { cas: [fresh, old], leaf: leafOfOld }
  const files = encodeAuthority(authority)
  assert.deepEqual(encodeAuthority(decodeAuthority(files) ?? { cas: [], leaf: undefined }), files)
  assert.equal(files['ca.crt'].match(/BEGIN CERTIFICATE/g)?.length, 2)
})

test('files that do not fit together hold no authority; one without its certificate only lacks that', () => {
  const files = encodeAuthority({ cas: [old], leaf: leafOfOld })
  const broken: Readonly<Record<string, string>>[] = [
    {},
    { ...files, 'ca.key': '' },
    { ...files, 'ca.key': leafOfOld.key },
    { ...files, 'ca.crt': files['ca.crt'].replace(/[A-Za-z]{20}/, 'A'.repeat(20)) },
  ]
  assert.deepEqual(broken.map(decodeAuthority), [undefined, undefined, undefined, undefined])
  assert.equal(decodeAuthority({ ...files, 'tls.key': old.key })?.leaf, undefined)
})

test('what is issued is EC with SHA-256, its CA has a name of its own, and it serves all its names', async () => {
  const [ca, another] = [readCertificate(old.cert), readCertificate(fresh.cert)]
  const leaf = readCertificate((await issueLeaf(NAMES, old, { notBefore: day(0), notAfter: day(1) })).cert)
  assert.notEqual(ca.subject, another.subject)
  assert.equal(leaf.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
  assert.deepEqual([ca.ca, leaf.ca, leaf.checkIssued(ca), leaf.verify(ca.publicKey)], [true, false, true, true])
  assert.deepEqual(
    [leaf.checkHost(NAMES[0] ?? ''), leaf.checkIP('127.0.0.1'), leaf.checkIP('::1')],
    [NAMES[0], '127.0.0.1', '::1'],
  )
  assert.deepEqual([ca.signatureAlgorithm, leaf.signatureAlgorithm], ['ecdsa-with-SHA256', 'ecdsa-with-SHA256'])
})
