import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Redirector } from '../../../src/app/agent/redirector.ts'
import { BARE_SIDECAR, type Intent, PLAIN_AMBIENT } from '../../../src/core/intent/intent.ts'
import { ipCommand } from '../../../src/core/redirection/network.ts'
import { rulesText } from '../../../src/core/redirection/rules-text.ts'
import { type Backend, BACKENDS } from '../../../src/edge/host/apply.ts'
import { IN_ITS_OWN_TIME } from '../istio-cni.ts'
import { inNetns, ip, makeNetns, startWorker, type TestNetns } from '../world.ts'
import { redirectorWith } from './redirectors.ts'

const worker = await startWorker()
const SIDECAR: Intent = { ...BARE_SIDECAR, inboundPorts: '*', outboundCidrs: '*', dns: 'all' }
const CONFIGURATION = { inboundPortsInclude: '*', outboundCidrsInclude: '*', proxyUid: '1337' }
const OTHER: Intent = { ...SIDECAR, dns: 'off', interception: 'TPROXY' }

async function triedRedirector(backend: Backend | null): Promise<Redirector> {
  const redirector = redirectorWith({ worker, backend })
  // on a busy machine a try can find no answer
  for (let tries = 0; redirector.picked.is === 'none' && tries < 20; tries++) await redirector.tryNode()
  return redirector
}

function podNetns(): TestNetns {
  const netns = makeNetns('redirector')
  ip('-n', netns.name, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'peer0')
  ip('-n', netns.name, 'address', 'add', '10.1.2.3/24', 'dev', 'eth0')
  ip('-n', netns.name, 'address', 'add', 'fd01::3/64', 'dev', 'eth0', 'nodad')
  for (const device of ['eth0', 'peer0']) ip('-n', netns.name, 'link', 'set', device, 'up')
  return netns
}

/** Everything that rules and their network are made of, as text. */
function everything(netns: TestNetns, backend: Backend): string {
  const network = [['rule'], ['-6', 'rule'], ['route', 'show', 'table', 'all'], ['address', 'show', 'lo']]
  const saved =
    backend === 'libnftables' || backend === 'nft'
      ? [inNetns(netns, 'nft', '-s', 'list', 'ruleset')]
      : [inNetns(netns, `${backend}-save`), inNetns(netns, `${backend.replace('ip', 'ip6')}-save`)]
  const rules = saved.map((text) => text.replaceAll(/^#.*$|\[\d+:\d+\]/gm, ''))
  const rest = network.map((args) => ip('-n', netns.name, ...args).replaceAll(IN_ITS_OWN_TIME, ''))
  return [...rules, ...rest].join('\n')
}

for (const backend of BACKENDS)
  test(`${backend}: made, made again without a change, replaced by another intent, taken away`, async () => {
    const redirector = await triedRedirector(backend)
    const netns = podNetns()
    const compare = async (intent: Intent): Promise<readonly number[]> => {
      const compared = await redirector.compare(netns.handle, intent)
      assert.ok(compared.is === 'compared', JSON.stringify(compared))
      return [compared.difference.missing.length, compared.difference.surplus.length]
    }
    const nothing = await redirector.redirect(netns.handle, { kind: 'none' })
    assert.ok(nothing.is === 'redirected' && !nothing.changed, JSON.stringify(nothing))
    const first = await redirector.redirect(netns.handle, SIDECAR)
    assert.ok(first.is === 'redirected' && first.changed, JSON.stringify(first))
    assert.deepEqual(first.model.families, [4, 6])
    assert.deepEqual(await compare(SIDECAR), [0, 0])

    const made = everything(netns, backend)
    const again = await redirector.redirect(netns.handle, SIDECAR)
    assert.ok(again.is === 'redirected' && !again.changed)
    assert.equal(everything(netns, backend), made)

    const replaced = await redirector.redirect(netns.handle, OTHER)
    assert.ok(replaced.is === 'redirected' && replaced.changed, JSON.stringify(replaced))
    assert.deepEqual(await compare(OTHER), [0, 0])
    assert.notDeepEqual(await compare(SIDECAR), [0, 0])

    assert.equal(await redirector.undo(netns.handle, OTHER), null)
    assert.doesNotMatch(everything(netns, backend), /istio|ISTIO|15006|lookup 133/)
    assert.equal(await redirector.undo(netns.handle, OTHER), null, 'undone twice is undone')
  })

for (const backend of BACKENDS)
  test(`${backend}: rules that other backends made go, also when only they are there, and those of others stay`, async () => {
    const redirector = await triedRedirector(backend)
    const netns = podNetns()
    inNetns(netns, 'iptables-legacy', '-t', 'nat', '-A', 'OUTPUT', '-d', '192.0.2.9', '-j', 'RETURN')
    const others = BACKENDS.filter((other) => other !== backend && other !== 'nft')
    const makeOthers = async (): Promise<void> => {
      // as they were before they knew of each other
      for (const other of others) {
        const read = rulesText(CONFIGURATION, {
          backend: other === 'libnftables' ? 'nftables' : 'iptables',
          family: 4,
          verb: 'add',
        })
        assert.ok(read.is === 'text')
        const text = read.text.replace(/^#.*\n/gm, '')
        const rules =
          other === 'libnftables'
            ? ({ backend: other, text } as const)
            : ({ backend: other as 'iptables-nft', texts: { v4: text, v6: null } } as const)
        const applied = await worker.run('apply', netns.handle, { rules, network: [] })
        assert.ok(applied.ok, applied.ok ? '' : applied.error)
      }
    }
    const traces = (): readonly string[] =>
      ['libnftables', 'iptables-nft', 'iptables-legacy'].filter((other) =>
        /istio|ISTIO/.test(
          other === 'libnftables' ? inNetns(netns, 'nft', 'list', 'tables') : inNetns(netns, `${other}-save`),
        ),
      )
    await makeOthers()
    const made = await redirector.redirect(netns.handle, SIDECAR)
    assert.ok(made.is === 'redirected' && made.changed, JSON.stringify(made))
    assert.deepEqual(traces(), [backend === 'nft' ? 'libnftables' : backend])
    assert.equal(await redirector.undo(netns.handle, SIDECAR), null)
    await makeOthers()
    assert.equal(await redirector.undo(netns.handle, SIDECAR), null)
    assert.deepEqual(traces(), [])
    assert.match(inNetns(netns, 'iptables-legacy-save'), /-A OUTPUT -d 192\.0\.2\.9\/32 -j RETURN/)
  })

for (const { name, intent, take, lacks } of [
  {
    name: 'an address',
    intent: SIDECAR,
    take: ['address', 'del', '::6/128', 'dev', 'lo'],
    lacks: 'ip -6 addr add ::6/128 dev lo',
  },
  {
    name: 'a rule',
    intent: PLAIN_AMBIENT,
    take: ['rule', 'del', 'pref', '32764'],
    lacks: 'ip -4 rule add pref 32764 fwmark 0x111/0xfff lookup 100',
  },
  {
    name: 'a route',
    intent: OTHER,
    take: ['-6', 'route', 'flush', 'table', '133'],
    lacks: 'ip -6 route replace local ::/0 dev lo scope host table 133',
  },
] as const)
  test(`what rules need beside them is compared too: ${name}`, async () => {
    const redirector = await triedRedirector(null)
    const netns = podNetns()
    const lacking = async (): Promise<readonly string[]> => {
      const compared = await redirector.compare(netns.handle, intent)
      assert.ok(compared.is === 'compared', JSON.stringify(compared))
      assert.deepEqual(compared.difference, { missing: [], surplus: [] })
      return compared.lacking.map(ipCommand)
    }
    const made = await redirector.redirect(netns.handle, intent)
    assert.equal(made.is, 'redirected', JSON.stringify(made))
    assert.deepEqual(await lacking(), [])
    ip('-n', netns.name, ...take)
    const before = everything(netns, 'nft')
    assert.deepEqual(await lacking(), [lacks])
    assert.equal(everything(netns, 'nft'), before, 'to compare changes nothing')
  })

test('an ambient pod has its rules beside nothing else', async () => {
  const redirector = await triedRedirector(null)
  const netns = podNetns()
  const made = await redirector.redirect(netns.handle, PLAIN_AMBIENT)
  assert.ok(made.is === 'redirected', JSON.stringify(made))
  assert.match(everything(netns, 'nft'), /istio-ambient-nat/)
  assert.equal(await redirector.undo(netns.handle, PLAIN_AMBIENT), null)
  assert.doesNotMatch(everything(netns, 'nft'), /istio/)
})

test('a namespace without an address, and a node without a backend, are refused by a reason', async () => {
  const bare = makeNetns('redirector')
  const redirector = await triedRedirector(null)
  const none = await redirector.redirect(bare.handle, SIDECAR)
  assert.ok(none.is === 'refused' && none.reason.code === 'address_absent')
  const untried = redirectorWith({ worker, backend: null })
  const absent = await untried.redirect(podNetns().handle, SIDECAR)
  assert.ok(absent.is === 'refused' && absent.reason.code === 'backend_absent')
})
