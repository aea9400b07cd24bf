import assert from 'node:assert/strict'
import { BlockList, isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  familyOf,
  hostCidr,
  isLinkLocal,
  isLoopback,
  onlyAddress,
  parseAddress,
  parseCidr,
  unmapped,
} from '../../../src/core/intent/address.ts'

const ADDRESSES: readonly (readonly [string, string | null])[] = [
  ['10.0.0.1', '10.0.0.1'],
  ['010.0.0.1', null],
  ['10.0.0', null],
  ['10.0.0.256', null],
  ['10.0.0.1 ', null],
  ['١٠.0.0.1', null],
  ['FD00:0:0::0A', 'fd00::a'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['::127.0.0.53', '::7f00:35'],
  ['::ffff:10.0.0.1', '::ffff:a00:1'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['1:2:3:4:5:6:7:8::', null],
  ['1::2::3', null],
  ['1:2:3', null],
  [':1:2:3:4:5:6:7:8', null],
  ['fe80::1%eth0', null],
  ['12345::', null],
  ['', null],
]

test('an address has one spelling, and what is none is refused', () => {
  for (const [text, want] of ADDRESSES) assert.equal(parseAddress(text), want, text)
})

test('every IPv6 address keeps its meaning in its canonical spelling', () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const address = parseAddress(text)
      assert.ok(address !== null && isIP(address) === 6)
      const same = new BlockList()
      same.addAddress(text, 'ipv6')
      assert.ok(same.check(address, 'ipv6'))
      assert.equal(parseAddress(address), address)
    }),
  )
})

test('a prefix loses its host bits and needs a length that fits', () => {
  const cases: readonly (readonly [string, string | null])[] = [
    ['127.0.0.1/8', '127.0.0.0/8'],
    ['10.1.2.3/32', '10.1.2.3/32'],
    ['10.1.2.255/25', '10.1.2.128/25'],
    ['1.2.3.4/0', '0.0.0.0/0'],
    ['2001:db8:ffff::/33', '2001:db8:8000::/33'],
    ['fd00::1/128', 'fd00::1/128'],
    ['10.0.0.0', null],
    ['10.0.0.0/33', null],
    ['10.0.0.0/08', null],
    ['fd00::/129', null],
    ['10.0.0.0/-1', null],
    ['10.0.0.0/8/8', null],
    ['*', null],
  ]
  for (const [text, want] of cases) assert.equal(parseCidr(text), want, text)
})

test('addresses know what they are', () => {
  const address = (text: string): NonNullable<ReturnType<typeof parseAddress>> => {
    const value = parseAddress(text)
    assert.ok(value !== null)
    return value
  }
  assert.deepEqual(['127.9.9.9', '::1', '::2', '128.0.0.1'].map(address).map(isLoopback), [true, true, false, false])
  assert.deepEqual(['169.254.1.1', 'fe80::1', 'feb0::1', 'fec0::1'].map(address).map(isLinkLocal), [
    true,
    true,
    true,
    false,
  ])
  assert.equal(unmapped(address('::ffff:10.0.0.1')), '10.0.0.1')
  assert.equal(unmapped(address('::10.0.0.1')), '::a00:1')
  assert.equal(unmapped(address('10.0.0.1')), '10.0.0.1')
  assert.equal(hostCidr(address('fd00::1')), 'fd00::1/128')
  assert.equal(onlyAddress(hostCidr(address('10.0.0.1'))), '10.0.0.1')
  assert.equal(familyOf(hostCidr(address('10.0.0.1'))), 4)
})
