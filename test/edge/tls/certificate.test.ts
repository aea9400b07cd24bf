import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import {
  CertificateError,
  isValid,
  mustRenew,
  servingCertificate,
  splitPem,
  type KeyPair,
} from '../../../src/edge/tls/certificate.ts'
import { issueCa } from '../../../src/edge/tls/issue.ts'

const at = (day: number): Date => new Date(Date.UTC(2030, 0, day))
const LIFE = { notBefore: at(1), notAfter: at(31) }

const RENEWALS: readonly {
  readonly name: string
  readonly now: Date
  readonly renew: boolean
  readonly why: RegExp
}[] = [
  { name: 'before its time', now: new Date(at(1).getTime() - 1), renew: true, why: /not valid before 2030-01-01/ },
  { name: 'on its first day', now: at(1), renew: false, why: /are over at 2030-01-21/ },
  {
    name: 'a moment before two thirds',
    now: new Date(at(21).getTime() - 1),
    renew: false,
    why: /are over at 2030-01-21/,
  },
  { name: 'at two thirds', now: at(21), renew: true, why: /were over at 2030-01-21/ },
  { name: 'a moment before its end', now: new Date(at(31).getTime() - 1), renew: true, why: /were over/ },
  { name: 'at its end', now: at(31), renew: true, why: /expired at 2030-01-31/ },
]

for (const { name, now, renew, why } of RENEWALS)
  test(`a certificate ${name} ${renew ? 'must' : 'need not'} be renewed, and the reason is told`, () => {
    const verdict = mustRenew(LIFE, now)
    assert.equal(verdict.renew, renew)
    assert.match(verdict.why, why)
  })

test('a certificate is valid from its first moment until its last, which is not part of it', () => {
  assert.deepEqual(
    [new Date(at(1).getTime() - 1), at(1), new Date(at(31).getTime() - 1), at(31)].map((now) => isValid(LIFE, now)),
    [false, true, true, false],
  )
})

let one: KeyPair
let other: KeyPair
before(async () => {
  one = await issueCa('one', LIFE)
  other = await issueCa('other', LIFE)
})

test('a pair is read with its validity', () => {
  const read = servingCertificate(one, 'ca')
  assert.deepEqual({ notBefore: read.notBefore, notAfter: read.notAfter, ca: read.ca }, { ...LIFE, ca: 'ca' })
})

test('a key of another certificate, and what is no PEM, is refused without being quoted', () => {
  const refused = (pair: KeyPair, says: RegExp): void =>
    assert.throws(
      () => servingCertificate(pair, ''),
      (error) => error instanceof CertificateError && says.test(error.message) && !error.message.includes('secret'),
    )
  refused({ cert: one.cert, key: other.key }, /not that of the certificate/)
  refused({ cert: one.cert, key: 'secret' }, /private key is no PEM/)
  refused({ cert: 'secret', key: one.key }, /certificate is no PEM/)
})

test('a text of several PEM blocks falls into those of one kind', () => {
  assert.deepEqual(splitPem(`${one.cert}\n# a remark\n${one.key}${other.cert}`, 'CERTIFICATE'), [one.cert, other.cert])
  assert.deepEqual(splitPem('nothing', 'PRIVATE KEY'), [])
})
