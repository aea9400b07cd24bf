import assert from 'node:assert/strict'
import { readdirSync, readlinkSync } from 'node:fs'
import { test } from 'node:test'
import { NetnsWorker, type NetnsWorkerOptions } from '../../src/edge/host/netns-worker.ts'
import type { Observation, ProbePlan } from '../../src/edge/host/probe.ts'
import { inNetns, ip, makeNetns, type TestNetns, tools } from './world.ts'

/** One thread makes rules and measures: what waits for an answer must not keep it. */
const NOBODY = { uid: 65_534, gid: 65_534 }

/** A namespace with a neighbour who takes everything and never answers. */
function makeSilence(): TestNetns {
  const netns = makeNetns('silence')
  ip('-n', netns.name, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'other')
  ip('-n', netns.name, 'address', 'add', '192.0.2.1/24', 'dev', 'eth0')
  for (const device of ['eth0', 'other']) ip('-n', netns.name, 'link', 'set', device, 'up')
  ip('-n', netns.name, 'neighbour', 'add', '192.0.2.9', 'lladdr', '02:00:00:00:00:09', 'dev', 'eth0')
  return netns
}

const to = { address: '192.0.2.9', port: 80 }
const planOf = ({ handle: { fd } }: TestNetns, patienceMs: number): ProbePlan => ({
  probes: [{ over: 'tcp', from: 'outside', to, user: NOBODY, leadsTo: 15_006 }],
  ...{ owner: NOBODY, transparent: false, outside: fd, patienceMs },
})

async function start(options: Partial<NetnsWorkerOptions> = {}): Promise<NetnsWorker> {
  const programs = { directory: tools.programs, env: tools.env }
  return await NetnsWorker.start({ libnftables: null, programs, ...options })
}

/** How many sockets this process has open. */
function sockets(): number {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return 'the one that listed them'
    }
  })
  return links.filter((link) => link.startsWith('socket:')).length
}

test('rules are made while a probe waits, and what it opened is closed where the thread ends before it', async () => {
  const netns = makeSilence()
  const before = sockets()
  const worker = await start()
  const ends: string[] = []
  // longer than any machine takes for the rest
  const probing = worker.run('probe', netns.handle, planOf(netns, 3_600_000)).then(
    () => ends.push('answered'),
    (error: unknown) => ends.push(String(error)),
  )
  const rules = { backend: 'nft', text: 'add table inet t\n' } as const
  assert.deepEqual(await worker.run('apply', netns.handle, { rules, network: [] }), { ok: true, changed: [] })
  assert.match(inNetns(netns, 'nft', 'list', 'ruleset'), /table inet t/)
  assert.deepEqual(ends, [])
  assert.equal(sockets(), before + 2, 'the attempt and what listens for it')
  const behind = assert.rejects(worker.run('survey', netns.handle, {}), /has ended/)
  await worker[Symbol.asyncDispose]()
  await Promise.all([probing, behind])
  assert.deepEqual(ends, ['Error: the netns worker has ended'])
  assert.equal(sockets(), before)
  await assert.rejects(worker.run('addresses', netns.handle, {}), /has ended/)
})

test('what makes rules goes before all that measures and has not begun', async () => {
  const { handle } = makeNetns('order')
  await using worker = await start()
  const order: string[] = []
  const measured = Array.from({ length: 20 }, async () => {
    await worker.run('survey', handle, {})
    order.push('survey')
  })
  // who makes rules asks again and again
  for (const kind of ['addresses', 'routing', 'addresses'] as const) {
    await worker.run(kind, handle, {})
    order.push(kind)
  }
  await Promise.all(measured)
  assert.equal(order.length, 23)
  assert.deepEqual(order.slice(0, 5), ['survey', 'addresses', 'routing', 'addresses', 'survey'])
})

test('a probe that waits longer than a job may keep the thread is no hang, and tells what it saw', async () => {
  const netns = makeSilence()
  const hangs: string[] = []
  await using worker = await start({ hangAfterMs: 2_000, onHang: (kind) => hangs.push(kind) })
  const seen: readonly Observation[] = await worker.run('probe', netns.handle, planOf(netns, 4_000))
  assert.deepEqual(seen, [{ saw: { end: 'silence' }, listening: false }])
  assert.deepEqual(hangs, [])
})
