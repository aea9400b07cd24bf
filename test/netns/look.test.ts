import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Look } from '../../src/edge/host/look.ts'
import { inNetns, ip, makeNetns, startWorker, type TestNetns } from './world.ts'

const worker = await startWorker()

async function lookAt({ handle }: TestNetns): Promise<Look> {
  const others = ['iptables-nft', 'iptables-legacy'] as const
  return await worker.run('look', handle, { own: 'libnftables', others, chains: 'ISTIO_' })
}

const namesOf = ({ others }: Look): readonly string[] => others.map(({ backend }) => backend)

test('a look at a fresh namespace tells its addresses, and lists by no other backend', async () => {
  const netns = makeNetns('look')
  const seen = await lookAt(netns)
  assert.deepEqual(
    seen.addresses.map(({ address }) => address),
    ['127.0.0.1', '::1'],
  )
  assert.deepEqual([seen.own, seen.others], [{ ok: true, nft: '' }, []])
})

for (const program of ['iptables', 'ip6tables'])
  test(`${program}-nft lists where a chain in its tables has the name, and for no other`, async () => {
    const netns = makeNetns('look')
    inNetns(netns, `${program}-nft`, '-t', 'nat', '-N', 'KUBE_ISTIO_NOT')
    assert.deepEqual(namesOf(await lookAt(netns)), [])
    inNetns(netns, `${program}-nft`, '-t', 'nat', '-N', 'ISTIO_OUTPUT')
    const [listed, ...more] = (await lookAt(netns)).others
    assert.equal(more.length, 0)
    assert.ok(listed?.backend === 'iptables-nft' && listed.dump.ok && 'v4' in listed.dump)
    assert.match(listed.dump[program === 'iptables' ? 'v4' : 'v6'], /^:ISTIO_OUTPUT /m)
  })

test('a chain of that name in a table that iptables-nft does not keep is none of its own', async () => {
  const netns = makeNetns('look')
  inNetns(netns, 'nft', 'add table inet other ; add chain inet other ISTIO_OUTPUT')
  const seen = await lookAt(netns)
  assert.deepEqual(namesOf(seen), [])
  assert.match(seen.own.ok && 'nft' in seen.own ? seen.own.nft : '', /chain ISTIO_OUTPUT/)
})

test('iptables-legacy lists where it has a table, and the library does not read the rules of iptables-nft', async () => {
  const netns = makeNetns('look')
  inNetns(netns, 'ip6tables-legacy', '-t', 'raw', '-L')
  inNetns(netns, 'iptables-nft', '-t', 'nat', '-A', 'OUTPUT', '-p', 'tcp', '-j', 'REDIRECT', '--to-ports', '15001')
  ip('-n', netns.name, 'link', 'set', 'lo', 'down')
  const seen = await lookAt(netns)
  assert.deepEqual(namesOf(seen), ['iptables-legacy'])
  assert.deepEqual(seen.own, { ok: true, nft: '' })
  assert.deepEqual(seen.addresses, [])
})
