import assert from 'node:assert/strict'
import { test } from 'node:test'
import { causeOfDenial, type Standing } from '../../../src/app/agent/denial.ts'

const PROFILE = "AppArmor's profile runtime/default"

const CASES: readonly {
  readonly name: string
  readonly why: string
  readonly standing: Standing
  readonly want: RegExp | null
}[] = [
  {
    name: 'what is denied to a process with every capability is put down to what confines it',
    why: 'nft: Error: Operation not permitted',
    standing: { lacking: [], confinement: PROFILE },
    want: /^the agent has the capabilities for it, but AppArmor's profile runtime\/default confines it$/,
  },
  {
    name: 'a capability that is lacking is the nearer cause',
    why: 'unshare: EPERM',
    standing: { lacking: ['SYS_ADMIN'], confinement: PROFILE },
    want: /lacks the capabilities SYS_ADMIN$/,
  },
  {
    name: 'where nobody is known that denies, nobody is blamed',
    why: 'open: EACCES',
    standing: { lacking: [], confinement: null },
    want: null,
  },
  {
    name: 'what is missing was not denied',
    why: 'IPv6 owner needs the kernel module xt_owner',
    standing: { lacking: [], confinement: PROFILE },
    want: null,
  },
]

for (const { name, why, standing, want } of CASES)
  test(name, () => {
    const cause = causeOfDenial(why, () => standing)
    if (want === null) assert.equal(cause, null)
    else assert.match(cause ?? '', want)
  })
