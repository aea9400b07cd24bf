import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressBytes, addressText, endpointOf, familyOf, socketAddress } from '../../../src/edge/host/addresses.ts'

const port = fc.integer({ min: 0, max: 65535 })

test('an address survives the way through bytes and through a socket address', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), port, (address, port) => {
      const text = addressText(addressBytes(address))
      assert.deepEqual(addressBytes(text), addressBytes(address).subarray(text.includes('.') ? -4 : 0))
      assert.deepEqual(endpointOf(socketAddress({ address: text, port })), { address: text, port })
    }),
  )
})

for (const [address, hex] of [
  ['192.0.2.7', 'c0000207'],
  ['::', '00'.repeat(16)],
  ['::6', `${'00'.repeat(15)}06`],
  ['fd00:10:96::a', 'fd00001000960000000000000000000a'],
  ['::127.0.0.53', `${'00'.repeat(12)}7f000035`],
] as const)
  test(`${address} is ${hex} in network order`, () => {
    assert.equal(addressBytes(address).toString('hex'), hex)
    assert.equal(familyOf(address), hex.length === 8 ? 4 : 6)
  })

test('an IPv4 address mapped into IPv6 is given as IPv4, as a socket of both families shows it', () => {
  assert.equal(addressText(addressBytes('::ffff:192.0.2.7')), '192.0.2.7')
})

for (const bad of ['', '1.2.3', '1.2.3.4/32', 'fe80::1%eth0', 'localhost', '::g', '1.2.3.4\n'])
  test(`${JSON.stringify(bad)} is refused`, () => {
    assert.throws(() => addressBytes(bad), RangeError)
  })
