import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Backend, Change } from '../../src/edge/host/apply.ts'
import type { NetworkItem } from '../../src/edge/host/network.ts'
import { sysctl } from './scene.ts'
import { inNetns, ip, makeNetns, startWorker, type TestNetns } from './world.ts'

const worker = await startWorker()

const NETWORK: readonly NetworkItem[] = [
  { kind: 'address', address: '::6', prefix: 128, device: 'lo' },
  { kind: 'rule', family: 4, mark: 1337, mask: 0xffffffff, table: 133, priority: null },
  { kind: 'rule', family: 6, mark: 0x111, mask: 0xfff, table: 100, priority: 32764 },
  { kind: 'local-route', family: 4, device: 'lo', table: 133 },
  { kind: 'local-route', family: 6, device: 'lo', table: 100 },
]

const xtables = (rule: string): string =>
  `*mangle\n-N SLUICE_T\n-A SLUICE_T -j MARK --set-mark 1\nCOMMIT\n*nat\n-N SLUICE_T\n${rule}\nCOMMIT\n`
const GOOD_RULE = '-A SLUICE_T -p tcp -m owner --uid-owner 1337 -j RETURN'
const nft = (rule: string): string =>
  `add table inet sluice-t\nadd chain inet sluice-t output { type nat hook output priority -100 ; }\nadd rule inet sluice-t output ${rule}\n`

/** Per backend a change that the kernel takes, and one whose very last rule it refuses. */
const CHANGES: Readonly<Record<Backend, { readonly good: Change; readonly bad: Change; readonly undo: Change }>> = {
  libnftables: nftChanges('libnftables'),
  nft: nftChanges('nft'),
  'iptables-nft': xtablesChanges('iptables-nft'),
  'iptables-legacy': xtablesChanges('iptables-legacy'),
}

function nftChanges(backend: 'libnftables' | 'nft'): (typeof CHANGES)[Backend] {
  const change = (text: string): Change => ({ rules: { backend, text }, network: NETWORK })
  return {
    good: change(nft('meta skuid 1337 counter return')),
    bad: change(`${nft('meta skuid 1337 counter return')}add rule inet sluice-t output jump nowhere\n`),
    undo: change('add table inet sluice-t\ndelete table inet sluice-t\n'),
  }
}

function xtablesChanges(backend: 'iptables-nft' | 'iptables-legacy'): (typeof CHANGES)[Backend] {
  const change = (v4: string, v6: string): Change => ({ rules: { backend, texts: { v4, v6 } }, network: NETWORK })
  const undo = '*mangle\n-F SLUICE_T\n-X SLUICE_T\nCOMMIT\n*nat\n-F SLUICE_T\n-X SLUICE_T\nCOMMIT\n'
  return {
    good: change(xtables(GOOD_RULE), xtables(GOOD_RULE)),
    bad: change(xtables(GOOD_RULE), xtables('-A SLUICE_T -j NOWHERE')),
    undo: change(undo, undo),
  }
}

/** Everything that the rules and the network of a namespace are. */
function state(netns: TestNetns): string {
  const n = ['-n', netns.name]
  return [
    inNetns(netns, 'nft', 'list', 'ruleset'),
    inNetns(netns, 'iptables-legacy-save').replace(/^#.*\n/gm, ''),
    inNetns(netns, 'ip6tables-legacy-save').replace(/^#.*\n/gm, ''),
    ip(...n, 'address', 'show', 'lo'),
    ...['-4', '-6'].flatMap((family) => [ip(...n, family, 'rule'), ip(...n, family, 'route', 'show', 'table', 'all')]),
  ].join('\n')
}

for (const [backend, { good, bad, undo }] of Object.entries(CHANGES)) {
  test(`${backend}: a change puts rules and network in place, and its removal takes both away`, async () => {
    const netns = makeNetns('apply')
    assert.deepEqual(await worker.run('apply', netns.handle, good), { ok: true, changed: NETWORK })
    const there = state(netns)
    for (const needle of [/1337/, /::6\/128/, /fwmark 0x539 lookup 133/, /fwmark 0x111\/0xfff lookup 100/, /table 133/])
      assert.match(there, needle)
    assert.deepEqual(await worker.run('remove', netns.handle, undo), { ok: true, changed: NETWORK })
    assert.doesNotMatch(state(netns), /sluice-t|SLUICE_T|::6\/128|fwmark|table 133/)
  })

  test(`${backend}: a change whose last rule is refused leaves nothing behind`, async () => {
    const netns = makeNetns('refused')
    // the rules that others have are not touched by the undoing either
    inNetns(netns, 'iptables-legacy', '-t', 'nat', '-A', 'OUTPUT', '-d', '192.0.2.9', '-j', 'RETURN')
    inNetns(netns, 'nft', 'add', 'table', 'inet', 'foreign')
    const answer = await worker.run('apply', netns.handle, bad)
    assert.equal(answer.ok, false)
    assert.match(answer.error, /nowhere/i)
    const after = state(netns)
    assert.doesNotMatch(after, /sluice-t|SLUICE_T|::6\/128|fwmark|table 133/)
    assert.match(after, /192\.0\.2\.9/)
    assert.match(after, /table inet foreign/)
  })
}

test('where lo has no IPv6, its route is neither made nor missed, and taking it away is no failure', async () => {
  const netns = makeNetns('apply')
  sysctl(netns, 'net.ipv6.conf.lo.disable_ipv6=1')
  const network = NETWORK.filter(({ kind }) => kind !== 'address')
  const change: Change = { rules: { backend: 'libnftables', text: '' }, network }
  const made = network.filter((item) => item.kind !== 'local-route' || item.family === 4)
  assert.deepEqual(await worker.run('apply', netns.handle, change), { ok: true, changed: made })
  assert.deepEqual(await worker.run('lackingItems', netns.handle, network), [])
  assert.deepEqual(await worker.run('remove', netns.handle, change), { ok: true, changed: made })
  assert.deepEqual(await worker.run('lackingItems', netns.handle, network), made)
  // a sidecar needs its address, so that is refused, and says why
  const refused = await worker.run('apply', netns.handle, { ...change, network: NETWORK })
  assert.equal(
    refused.ok ? 'made' : refused.error,
    'the address ::6/128 on lo, where net.ipv6.conf.lo.disable_ipv6 is 1: netlink: EACCES',
  )
})

test('a network item that is there already stays when the change that named it fails', async () => {
  const netns = makeNetns('kept')
  ip('-n', netns.name, 'address', 'add', '::6/128', 'dev', 'lo')
  assert.equal((await worker.run('apply', netns.handle, CHANGES.libnftables.bad)).ok, false)
  assert.match(ip('-n', netns.name, 'address', 'show', 'lo'), /::6\/128/)
})

test('the dump of a namespace shows its rules in the words of the backend', async () => {
  const netns = makeNetns('dump')
  await worker.run('apply', netns.handle, CHANGES.libnftables.good)
  await worker.run('apply', netns.handle, CHANGES['iptables-legacy'].good)
  for (const backend of ['libnftables', 'nft'] as const) {
    const dump = await worker.run('dump', netns.handle, { backend })
    assert.ok(dump.ok && 'nft' in dump)
    assert.match(dump.nft, /table inet sluice-t/)
  }
  const legacy = await worker.run('dump', netns.handle, { backend: 'iptables-legacy' })
  assert.ok(legacy.ok && 'v4' in legacy)
  assert.match(legacy.v4, /-A SLUICE_T -p tcp/)
  assert.match(legacy.v6, /-A SLUICE_T -p tcp/)
})

test('a rule for a mark that another program made is not made twice, and one that takes less is another', async () => {
  const netns = makeNetns('apply')
  const wanted = NETWORK.filter(({ kind }) => kind === 'rule')
  const n = ['-n', netns.name]
  ip(...n, 'rule', 'add', 'fwmark', '1337', 'lookup', '133', 'iif', 'lo')
  ip(...n, '-6', 'rule', 'add', 'fwmark', '0x111/0xfff', 'pref', '32764', 'lookup', '100')
  const change: Change = { rules: { backend: 'libnftables', text: '' }, network: wanted }
  const applied = await worker.run('apply', netns.handle, change)
  assert.deepEqual(applied, { ok: true, changed: wanted.slice(0, 1) })
  assert.equal(ip(...n, 'rule').match(/lookup 133/g)?.length, 2)
  assert.equal(ip(...n, '-6', 'rule').match(/lookup 100/g)?.length, 1)
})
