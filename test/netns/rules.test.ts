import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseJson } from '../../src/core/json/parse.ts'
import { type JsonObject, objectOr, stringOr } from '../../src/core/json/value.ts'
import type { Backend as CoreBackend, Script } from '../../src/core/redirection/backend.ts'
import { compareRules } from '../../src/core/redirection/comparison.ts'
import { IPTABLES } from '../../src/core/redirection/iptables.ts'
import type { RuleModel } from '../../src/core/redirection/model.ts'
import { NFTABLES } from '../../src/core/redirection/nftables.ts'
import { plannedRules } from '../../src/core/redirection/rules-text.ts'
import type { Backend, RuleTexts } from '../../src/edge/host/apply.ts'
import { inNetns, makeNetns, startWorker, type TestNetns } from './world.ts'

/** The rules of every given case in a real kernel: taken, listed, read back, made again, replaced and taken away. */
const GOLDENS = new URL('../goldens/redirection/', import.meta.url)
const worker = await startWorker()

interface Case {
  readonly name: string
  readonly golden: JsonObject
}

const GIVEN: readonly Case[] = readdirSync(GOLDENS)
  .filter((file) => /^(sidecar|ambient-pod)-.*\.json$/.test(file) && !file.startsWith('sidecar-err-'))
  .map((file) => ({ name: file, golden: objectOr(parseJson(readFileSync(new URL(file, GOLDENS), 'utf8'))) }))

/** Values that a tool lists otherwise than they were said. */
const ODD: readonly Case[] = [
  {
    outboundCidrsInclude: '0.0.0.0/0,::/0',
    outboundCidrsExclude: '10.0.0.5/8,FD00::1/8',
    rerouteVirtualInterfaces: 'tap0',
  },
  { outboundCidrsInclude: '*', outboundCidrsExclude: '0.0.0.0/0,::/0', proxyUid: '0', proxyGid: '0' },
  { outboundCidrsInclude: '*', inboundPortsInclude: '0,80,80', inboundTunnelPort: '53', outboundPortsExclude: '53' },
].map((config, index) => ({
  name: `odd ${index}`,
  golden: {
    name: `odd ${index}`,
    mode: 'sidecar',
    config: { ...config, redirectDns: true, captureAllDns: true, ipv6: true },
  },
}))

const CASES = [...GIVEN, ...ODD]
/** Of every kind some, where all would take long. */
const SOME = CASES.filter((_, index) => index % 7 === 0)

/** A way to the kernel, and the backend that speaks for it. */
interface Way<S extends Script> {
  readonly backend: Backend
  readonly core: CoreBackend<S>
}

const NOTHING = { missing: [], surplus: [] }

function rulesOf({ golden, name }: Case, backend: CoreBackend['name']): RuleModel {
  const planned = plannedRules(golden, backend, [4])
  if (planned.is !== 'rules') throw new Error(`${name}: no rules`)
  return planned.model
}

function textsOf(backend: Backend, script: Script): RuleTexts {
  if (backend === 'libnftables' || backend === 'nft') {
    assert.ok(script.of === 'nftables')
    return { backend, text: script.text }
  }
  assert.ok(script.of === 'iptables')
  return { backend, texts: { v4: script.v4, v6: script.v6 } }
}

async function listing<S extends Script>({ backend, core }: Way<S>, netns: TestNetns): Promise<S> {
  const answer = await worker.run('dump', netns.handle, { backend })
  assert.ok(answer.ok)
  const dump: Script =
    'nft' in answer ? { of: 'nftables', text: answer.nft } : { of: 'iptables', v4: answer.v4, v6: answer.v6 }
  assert.equal(dump.of, core.name)
  return dump as S
}

async function observed<S extends Script>(
  way: Way<S>,
  netns: TestNetns,
  owner: RuleModel['owner'],
): Promise<RuleModel> {
  return way.core.observe(await listing(way, netns), owner)
}

async function apply<S extends Script>(way: Way<S>, netns: TestNetns, script: S): Promise<void> {
  const answer = await worker.run('apply', netns.handle, { rules: textsOf(way.backend, script), network: [] })
  assert.ok(answer.ok, answer.ok ? '' : answer.error)
}

function assertSame(want: RuleModel, got: RuleModel, name: string): void {
  assert.deepEqual(compareRules(want, got), NOTHING, name)
}

function testWay<S extends Script>(way: Way<S>): void {
  test(`${way.backend}: the kernel takes every rule set and lists what was meant`, async () => {
    const netns = makeNetns('rules')
    assert.ok(GIVEN.length > 90)
    let dump = await listing(way, netns)
    for (const one of CASES) {
      const model = rulesOf(one, way.core.name)
      // each takes the place of the one before it, of whatever kind
      await apply(way, netns, way.core.replace(model, dump))
      assertSame(model, await observed(way, netns, model.owner), one.name)
      dump = await listing(way, netns)
    }
  })

  test(`${way.backend}: a rule set is taken away by what is printed for it, and nothing else`, async () => {
    const netns = makeNetns('retract')
    inNetns(netns, 'iptables-legacy', '-t', 'nat', '-A', 'OUTPUT', '-d', '192.0.2.9', '-j', 'RETURN')
    inNetns(netns, 'nft', 'add', 'table', 'inet', 'foreign')
    for (const one of SOME) {
      const model = rulesOf(one, way.core.name)
      await apply(way, netns, way.core.render(model))
      await apply(way, netns, way.core.retract(model))
      const after = JSON.stringify(await listing(way, netns))
      assert.doesNotMatch(after, /istio/i, one.name)
    }
    assert.match(inNetns(netns, 'iptables-legacy-save'), /-A OUTPUT -d 192\.0\.2\.9\/32 -j RETURN/)
    assert.match(inNetns(netns, 'nft', 'list', 'tables'), /foreign/)
    const again = way.core.retract(rulesOf(CASES[0] ?? assert.fail(), way.core.name))
    const answer = await worker.run('apply', netns.handle, { rules: textsOf(way.backend, again), network: [] })
    assert.equal(answer.ok, false, 'nothing of it is there')
  })

  test(`${way.backend}: rules come into an untouched namespace by additions alone, twice is once, and nothing of them stays`, async () => {
    const [first] = CASES.filter(({ name }) => name === 'sidecar-dns-tproxy-capture-all-v6.json')
    assert.ok(first !== undefined)
    const model = rulesOf(first, way.core.name)
    const netns = makeNetns('twice')
    inNetns(netns, 'iptables-legacy', '-t', 'nat', '-A', 'OUTPUT', '-d', '192.0.2.9', '-j', 'RETURN')
    const foreign = { table: 'nat', name: 'OUTPUT' } as const
    await apply(way, netns, way.core.render(model))
    const once = await observed(way, netns, model.owner)
    const dump = await listing(way, netns)
    await apply(way, netns, way.core.replace(model, dump))
    assertSame(once, await observed(way, netns, model.owner), 'applied again')
    const again = await listing(way, netns)
    await apply(way, netns, way.core.remove(again))
    const left = (await observed(way, netns, model.owner)).chains
    assert.deepEqual(
      left.filter(({ table, name }) => table !== foreign.table || name !== foreign.name),
      [],
    )
    assert.doesNotMatch(JSON.stringify(await listing(way, netns)), /istio/i)
    assert.match(inNetns(netns, 'iptables-legacy-save'), /-A OUTPUT -d 192\.0\.2\.9\/32 -j RETURN/)
  })

  test(`${way.backend}: a rule that is taken away, and one that is put before ours, are seen`, async () => {
    const [usual] = CASES.filter(({ name }) => name === 'sidecar-default-injection-dual-stack.json')
    assert.ok(usual !== undefined)
    const model = rulesOf(usual, way.core.name)
    const netns = makeNetns('drift')
    await apply(way, netns, way.core.render(model))
    if (way.core.name === 'nftables') {
      inNetns(netns, 'nft', 'flush', 'chain', 'inet', 'istio-proxy-nat', 'istio-inbound')
      inNetns(netns, 'nft', 'insert', 'rule', 'inet', 'istio-proxy-nat', 'output', 'tcp', 'dport', '443', 'accept')
    } else {
      inNetns(netns, way.backend, '-t', 'nat', '-F', 'ISTIO_INBOUND')
      inNetns(netns, way.backend, '-t', 'nat', '-I', 'OUTPUT', '1', '-p', 'tcp', '--dport', '443', '-j', 'ACCEPT')
    }
    const { missing, surplus } = compareRules(model, await observed(way, netns, model.owner))
    assert.ok(missing.some(({ chain, family }) => chain === 'ISTIO_INBOUND' && family === 4))
    assert.deepEqual(surplus.map(({ chain, family }) => [chain, family])[0], ['OUTPUT', 4])
  })
}

testWay({ backend: 'libnftables', core: NFTABLES })
testWay({ backend: 'nft', core: NFTABLES })
testWay({ backend: 'iptables-nft', core: IPTABLES })
testWay({ backend: 'iptables-legacy', core: IPTABLES })

test('every case has a name of its own, so none was read twice', () => {
  assert.equal(new Set(CASES.map(({ golden }) => stringOr(golden['name']))).size, CASES.length)
})
