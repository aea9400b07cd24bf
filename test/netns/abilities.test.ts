import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeAbilities } from '../../src/edge/host/abilities.ts'
import { type Feature, FEATURES } from '../../src/edge/host/features.ts'
import { NetnsWorker } from '../../src/edge/host/netns-worker.ts'
import { makeNetns, startWorker, tools } from './world.ts'

const worker = await startWorker()
const { handle } = makeNetns('abilities')

test('every backend that was fetched can do all that rules need, on a kernel that has it all', async () => {
  const found = await worker.run('abilities', handle, { features: FEATURES })
  assert.deepEqual(found, {
    backends: (['libnftables', 'nft', 'iptables-nft', 'iptables-legacy'] as const).map((backend) => ({
      backend,
      is: 'usable',
      missing: [],
    })),
    ipv6: true,
    socketTable: null,
    flowTable: null,
  } satisfies NodeAbilities)
})

test('a feature that the kernel does not have is named, with its module', async () => {
  const none = { 4: 'ip daddr 192.0.2.1 jump nowhere', 6: 'return' }
  const nowhere: Feature = {
    name: 'nothing',
    nft: { place: 'type filter hook output priority 0', rule: none, module: 'nft_nothing' },
    xtables: { place: 'filter OUTPUT', rule: { 4: '-j NOTHING', 6: '-j RETURN' }, module: 'xt_NOTHING' },
  }
  const { backends } = await worker.run('abilities', handle, { features: [...FEATURES, nowhere] })
  assert.deepEqual(
    backends.map((one) => one.is === 'usable' && one.missing.map(({ family, module }) => `${family} ${module}`)),
    [['4 nft_nothing'], ['4 nft_nothing'], ['4 xt_NOTHING'], ['4 xt_NOTHING']],
  )
})

test('what is not there is unusable, and says why', async () => {
  await using bare = await NetnsWorker.start({
    libnftables: null,
    programs: { directory: '/nowhere/', env: tools.env },
  })
  const { backends } = await bare.run('abilities', handle, { features: FEATURES })
  assert.deepEqual(backends, [
    { backend: 'libnftables', is: 'unusable', why: 'libnftables is not loaded' },
    { backend: 'nft', is: 'unusable', why: '/nowhere/nft is not there' },
    { backend: 'iptables-nft', is: 'unusable', why: 'iptables-nft-save: /nowhere/iptables-nft-save is not there' },
    {
      backend: 'iptables-legacy',
      is: 'unusable',
      why: 'iptables-legacy-save: /nowhere/iptables-legacy-save is not there',
    },
  ])
})
