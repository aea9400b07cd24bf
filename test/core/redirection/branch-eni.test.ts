import assert from 'node:assert/strict'
import { test } from 'node:test'
import { address } from '../../../src/core/intent/grammar.ts'
import { branchChanges, type HostRoute, type HostRule } from '../../../src/core/redirection/branch-eni.ts'

const POD = '10.0.5.2'
const MEMBERS = new Map([[address.parse(POD), 'uid-1']])
const iif = (given: Partial<HostRule> & { readonly device?: string } = {}): HostRule => {
  const { device = 'vlan5', ...rest } = given
  return { family: 4, priority: 10, table: 101, protocol: 0, by: { is: 'device', device }, ...rest }
}
const route = (given: Partial<HostRoute> = {}): HostRoute => ({
  ...{ family: 4, address: POD, device: 'vlan5', table: 101 },
  ...given,
})
const OURS: readonly HostRule[] = [
  iif({ priority: 9, table: 255, protocol: 83 }),
  { family: 4, priority: 512, table: 101, protocol: 83, by: { is: 'destination', address: POD } },
]

test("a pod whose route is in the table of its own device's rule needs two rules", () => {
  const there = { rules: [iif({ device: 'trunk', table: 101 }), iif()], routes: [route()] }
  assert.deepEqual(branchChanges(there, MEMBERS), { put: OURS, drop: [] })
  assert.deepEqual(branchChanges({ ...there, rules: [...OURS, iif()] }, MEMBERS), { put: [], drop: [] })
})

for (const { name, rules, routes } of [
  { name: 'no rule for a device', rules: [], routes: [route()] },
  { name: 'a rule for another device alone', rules: [iif({ device: 'trunk' })], routes: [route()] },
  { name: 'the route in another table', rules: [iif()], routes: [route({ table: 102 })] },
  { name: 'the route of another pod', rules: [iif()], routes: [route({ address: '10.0.5.3' })] },
  { name: 'the main table', rules: [iif({ table: 254 })], routes: [route({ table: 254 })] },
  { name: 'the local table', rules: [iif({ table: 255 })], routes: [route({ table: 255 })] },
  { name: 'nothing can come before the rule', rules: [iif({ priority: 0 })], routes: [route()] },
] as const)
  test(`a pod needs no rules: ${name}`, () => {
    assert.deepEqual(branchChanges({ rules, routes }, MEMBERS), { put: [], drop: [] })
  })

test('only rules of ours go, and only those that nobody needs', () => {
  const others = OURS.map((rule) => ({ ...rule, protocol: 4 }))
  const there = { rules: [...others, iif()], routes: [route()] }
  assert.deepEqual(branchChanges(there, new Map()), { put: [], drop: [] })
  assert.deepEqual(branchChanges(there, MEMBERS), { put: [], drop: [] })
  assert.deepEqual(branchChanges({ ...there, rules: [...OURS, iif()] }, new Map()), { put: [], drop: OURS })
  const moved = { rules: [...OURS, iif({ table: 103 })], routes: [route({ table: 103 })] }
  const [, to] = OURS
  assert.deepEqual(branchChanges(moved, MEMBERS), { put: [{ ...to, table: 103 }], drop: [to] })
})
