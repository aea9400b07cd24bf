import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backoffMs } from '../../../src/edge/cluster/backoff.ts'

const LIMITS = { firstMs: 500, maxMs: 30_000 }

test('waits double up to the limit, and chance takes up to half of them away', () => {
  for (const { failures, random, want } of [
    { failures: 1, random: 0, want: 250 },
    { failures: 1, random: 1, want: 500 },
    { failures: 2, random: 1, want: 1_000 },
    { failures: 3, random: 0.5, want: 1_500 },
    { failures: 7, random: 1, want: 30_000 },
    { failures: 1_000_000, random: 0, want: 15_000 },
  ])
    assert.equal(backoffMs(failures, LIMITS, random), want, `failure ${failures}, chance ${random}`)
})
