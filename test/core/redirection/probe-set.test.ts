import assert from 'node:assert/strict'
import { test } from 'node:test'
import { address } from '../../../src/core/intent/grammar.ts'
import {
  probeChanges,
  type ProbeMembers,
  probeMembers,
  probePathRemoval,
  probePutText,
  probeSetText,
} from '../../../src/core/redirection/probe-set.ts'

const LISTING = `table inet other {
	set istio-inpod-probes-v4 {
		type ipv4_addr
		elements = { 192.0.2.9 comment "another table" }
	}
}
table inet istio-ambient-nat {
	set istio-inpod-probes-v4 {
		type ipv4_addr
		elements = { 10.0.0.1 comment "uid-1", 10.0.0.2,
			     10.0.0.3 comment "uid-3" }
	}

	set istio-inpod-probes-v6 {
		type ipv6_addr
		elements = { fd00::1 comment "uid-1" }
	}

	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		meta l4proto tcp meta skuid 0 ip daddr @istio-inpod-probes-v4 counter packets 0 bytes 0 snat ip to 169.254.7.127
	}
}
`
const THERE = members('10.0.0.1 uid-1', '10.0.0.2 ', '10.0.0.3 uid-3', 'fd00::1 uid-1')

test('the sets are read as nft lists them: of our table alone, over several lines, in both families', () => {
  assert.deepEqual(probeMembers(LISTING), THERE)
  assert.deepEqual(probeMembers(''), new Map())
})

test('only what differs is changed, and an address that is another pod’s now goes before it comes', () => {
  const want = members('10.0.0.1 uid-1', '10.0.0.3 uid-4', 'fd00::2 uid-4')
  const changes = probeChanges(THERE, want, true)
  assert.equal(
    probeSetText(THERE, changes),
    [
      'delete element inet istio-ambient-nat istio-inpod-probes-v4 { 10.0.0.2 }',
      'delete element inet istio-ambient-nat istio-inpod-probes-v6 { fd00::1 }',
      'delete element inet istio-ambient-nat istio-inpod-probes-v4 { 10.0.0.3 }',
      'add element inet istio-ambient-nat istio-inpod-probes-v4 { 10.0.0.3 comment "uid-4" }',
      'add element inet istio-ambient-nat istio-inpod-probes-v6 { fd00::2 comment "uid-4" }',
      '',
    ].join('\n'),
  )
  assert.equal(probeSetText(THERE, probeChanges(THERE, THERE, true)), '')
})

test('nothing goes while what should be there is not known whole', () => {
  assert.deepEqual(probeChanges(THERE, new Map(), false), { put: new Map(), drop: new Map() })
  assert.deepEqual(probeChanges(THERE, new Map(), true), { put: new Map(), drop: THERE })
})

test('an address is put in without a look at what is there: whoever has it, it is this pod’s afterwards', () => {
  const set = 'element inet istio-ambient-nat istio-inpod-probes-v6'
  const add = `add ${set} { fd00::2 comment "uid-4" }\n`
  assert.equal(probePutText(members('fd00::2 uid-4')), `${add}delete ${set} { fd00::2 }\n${add}`)
  assert.equal(probePutText(new Map()), '')
})

test('a uid that is none is never written', () => {
  const hostile = members('10.0.0.1 a"}; flush ruleset; {')
  assert.throws(() => probeSetText(new Map(), probeChanges(new Map(), hostile, false)), RangeError)
  assert.throws(() => probePutText(hostile), RangeError)
})

test('there is something to remove only where the table is', () => {
  assert.equal(probePathRemoval(LISTING), 'delete table inet istio-ambient-nat\n')
  assert.equal(probePathRemoval('table inet other {\n}\n'), '')
})

function members(...lines: readonly string[]): ProbeMembers {
  return new Map(
    lines.map((line) => {
      const [text = '', uid = ''] = line.split(/ (.*)/)
      return [address.parse(text), uid]
    }),
  )
}
