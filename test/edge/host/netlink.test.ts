import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attribute, netlink, NLM_F_DUMP, u32 } from '../../../src/edge/host/netlink.ts'

test('an attribute tells its length without the padding to four bytes', () => {
  assert.equal(attribute(6, u32(100)).toString('hex'), '0800060064000000')
  assert.equal(attribute(1, Buffer.from([0xab])).toString('hex'), '05000100ab000000')
})

test('attributes nest', () => {
  assert.equal(attribute(0x8001, attribute(2, Buffer.from([6]))).toString('hex'), '0c0001800500020006000000')
})

test('a list that the kernel cannot give is no empty list', () => {
  const [NETLINK_ROUTE, RTM_GETRULE, AF_IPX] = [0, 34, 4]
  const head = Buffer.alloc(12)
  head.writeUInt8(AF_IPX)
  assert.throws(() => netlink(NETLINK_ROUTE, RTM_GETRULE, NLM_F_DUMP, head), { code: 'EAFNOSUPPORT' })
})
