import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeAnswer, decodeHello, encodeRequest, type ZdsRequest } from '../../../src/core/zds/message.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

// the bytes that the reference gives for Istio's own messages (cni.md §6.2)
for (const [name, request, expected] of [
  [
    'add',
    { is: 'add', uid: 'uid-1', info: { name: 'web', namespace: 'default', serviceAccount: 'sa' } },
    '0a1b0a057569642d3112120a03776562120764656661756c741a027361',
  ],
  ['keep', { is: 'keep', uid: 'uid-1' }, '2a070a057569642d31'],
  ['del', { is: 'del', uid: 'uid-1' }, '120712057569642d31'],
  ['snapshot-sent', { is: 'snapshot-sent' }, '1a00'],
] as const satisfies readonly (readonly [string, ZdsRequest, string])[])
  test(`${name} has the bytes of the reference`, () => assert.equal(hex(encodeRequest(request)), expected))

test('names of the greatest length that Kubernetes allows fit into what ztunnel reads, longer ones are refused', () => {
  const of = (length: number): ZdsRequest => {
    const name = 'n'.repeat(length)
    return { is: 'add', uid: 'u'.repeat(36), info: { name, namespace: name, serviceAccount: name } }
  }
  assert.ok(encodeRequest(of(253)).length <= 1024)
  assert.throws(() => encodeRequest(of(400)), RangeError)
})

test('a workload without a service account has no field for it, as proto3 leaves defaults out', () => {
  const info = { name: 'a', namespace: 'b', serviceAccount: '' }
  assert.equal(hex(encodeRequest({ is: 'add', uid: 'c', info })), '0a0b0a01631206' + '0a0161120162')
})

for (const [name, message, expected] of [
  ['hello of V1', '0801', { is: 'hello' }],
  ['hello with a field of a later version', '08011a03616263', { is: 'hello' }],
  ['hello whose last version counts', '08000801', { is: 'hello' }],
  ['hello of no version', '', { is: 'malformed', problem: 'it is no hello: it names no version' }],
  [
    'hello of another version',
    '0802',
    { is: 'malformed', problem: 'it is a hello of version 2, and V1 is spoken here' },
  ],
  ['hello that is cut off', '0880', { is: 'malformed', problem: 'it ends within a number' }],
] as const)
  test(`a ${name} is read`, () => assert.deepEqual(decodeHello(bytes(message)), expected))

for (const [name, message, expected] of [
  ['ack', '0a00', { is: 'ack' }],
  ['ack with an empty error', '0a020a00', { is: 'ack' }],
  ['nack', '0a050a03626164', { is: 'nack', error: 'bad' }],
  [
    'nack among fields of a later version',
    '1001' + '1d00000000' + '210000000000000000' + '0a050a03626164',
    { is: 'nack', error: 'bad' },
  ],
  ['response without an ack', '1200', { is: 'malformed', problem: 'it is no answer: it holds no ack' }],
  ['ack that is a number', '0801', { is: 'malformed', problem: 'it is no answer: it holds no ack' }],
  ['error that is a number', '0a020801', { is: 'malformed', problem: 'the error of its ack is no text' }],
  ['error that is not UTF-8', '0a040a02ff00', { is: 'malformed', problem: 'a text is not UTF-8' }],
  ['ack that is cut off', '0a09', { is: 'malformed', problem: 'it ends within a field' }],
  [
    'number of more than 64 bits',
    '08' + 'ff'.repeat(10),
    { is: 'malformed', problem: 'a number is longer than 64 bits' },
  ],
  ['group', '0b', { is: 'malformed', problem: 'a field has the wire type 3, which protobuf no longer has' }],
] as const)
  test(`a ${name} is read`, () => assert.deepEqual(decodeAnswer(bytes(message)), expected))

test('whatever comes is read or told to be malformed, and nothing else happens', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (message) => {
      assert.ok(['ack', 'nack', 'malformed'].includes(decodeAnswer(message).is))
      assert.ok(['hello', 'malformed'].includes(decodeHello(message).is))
    }),
  )
})
