import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { encodeIntent } from '../../src/core/intent/codec.ts'
import { BARE_SIDECAR, type Intent } from '../../src/core/intent/intent.ts'
import { IPTABLES } from '../../src/core/redirection/iptables.ts'
import { networkOf } from '../../src/core/redirection/network.ts'
import { NFTABLES } from '../../src/core/redirection/nftables.ts'
import { plannedModel } from '../../src/core/redirection/rules-text.ts'
import { podUid, startPodProcess } from './pod-process.ts'
import { ADDRESS, makeScene } from './scene.ts'
import { inNetns, startWorker, tools } from './world.ts'

/** `sluice verify` as people run it: its own process, its exit code, its words. */
const USUAL: Intent = { ...BARE_SIDECAR, inboundPorts: '*', outboundCidrs: '*' }
const FAMILIES = [4, 6] as const
const worker = await startWorker()
const { pod, node } = await makeScene(null, [])

interface Answer {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

/** Programs are found by PATH, as on a node. */
const ENV = {
  ...tools.env,
  PATH: `${tools.programs}:${tools.env['PATH'] ?? ''}`,
  SLUICE_LIBNFTABLES: tools.libnftables,
}

function verify(args: readonly string[], input = ''): Answer {
  const main = new URL('../../src/main.ts', import.meta.url).pathname
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [main, 'verify', '--outside', node.path, '--before-proxy', ...args],
    { input, encoding: 'utf8', env: ENV },
  )
  return { status, out: stdout, err: stderr }
}

async function make(intent: Intent, family: 'nft' | 'iptables' = 'nft'): Promise<void> {
  inNetns(pod, 'nft', 'flush', 'ruleset')
  const model = plannedModel(intent, FAMILIES, false)
  const rules =
    family === 'nft'
      ? ({ backend: 'libnftables', text: NFTABLES.render(model).text } as const)
      : ({ backend: 'iptables-nft', texts: IPTABLES.render(model) } as const)
  const applied = await worker.run('apply', pod.handle, { rules, network: networkOf(intent, FAMILIES) })
  assert.ok(applied.ok, applied.ok ? '' : applied.error)
}

test('a pod without rules bypasses: exit code 3, and each class says so', () => {
  const { status, out } = verify(['--netns', pod.path])
  assert.equal(status, 3, out)
  assert.match(out, /^bypassing\n {2}fails {4}outbound IPv4 traffic \(192\.0\.2\.1\) does not arrive/)
  assert.match(out, /^ {2}fails {4}inbound IPv6 traffic/m)
})

test('the usual sidecar with all its rules is redirected: exit code 0', async () => {
  await make(USUAL)
  const { status, out } = verify(['--netns', pod.path])
  assert.equal(status, 0, out)
  assert.match(out, /^redirected\n {2}holds/)
  assert.doesNotMatch(out, /fails|unknown|also/)
})

test('JSON has each class, family and address with code and sentence; a rule that is gone is named', async () => {
  await make(USUAL, 'iptables')
  inNetns(pod, 'ip6tables-nft', '-t', 'nat', '-F', 'ISTIO_INBOUND')
  const { status, out } = verify(['--netns', pod.path, '-o', 'json'])
  assert.equal(status, 5, out)
  const { verdict, measured, also } = JSON.parse(out) as {
    verdict: string
    measured: { class: string; family: number; holds: boolean; code: string }[]
    also: { code: string; message: string }[]
  }
  assert.equal(verdict, 'partial')
  assert.deepEqual(
    [...new Set(measured.filter(({ holds }) => !holds).map((one) => `${one.class} ${one.family} ${one.code}`))],
    ['inbound 6 redirection_bypassed'],
  )
  assert.match(JSON.stringify(also), /IPv6 nat ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT/)
})

test('a pod file and an intent say what is promised: DNS that is not captured is found', async () => {
  await make(USUAL)
  const wanted: Intent = { ...USUAL, dns: 'all' }
  const podFile = JSON.stringify({
    metadata: { annotations: { 'sluice-mesh.io/intent': encodeIntent(wanted) } },
    spec: { containers: [] },
  })
  for (const answer of [
    verify(['--netns', pod.path, '-f', '-'], podFile),
    verify(['--netns', pod.path, '--intent', encodeIntent(wanted)]),
  ]) {
    assert.equal(answer.status, 5, answer.out)
    assert.match(answer.out, /fails {4}DNS over UDP IPv4 traffic .* no rule translates it/)
    assert.match(answer.out, /also .* IPv4 nat ISTIO_OUTPUT -j ISTIO_OUTPUT_DNS/)
  }
})

test('without a path the pod of the file is looked for on this node, by its uid and address', async () => {
  await make(USUAL)
  const uid = podUid()
  await startPodProcess(uid, pod)
  const podFile = (podIP: string | null): string =>
    JSON.stringify({
      metadata: { uid, annotations: { 'sluice-mesh.io/intent': encodeIntent(USUAL) } },
      spec: { containers: [] },
      status: podIP === null ? {} : { podIP },
    })
  const { status, out } = verify(['-f', '-'], podFile(ADDRESS.pod[4]))
  assert.equal(status, 0, out)
  const elsewhere = verify(['-f', '-', '-o', 'json'], podFile('10.99.99.99'))
  assert.equal(elsewhere.status, 4)
  const { verdict, also } = JSON.parse(elsewhere.out) as { verdict: string; also: { code: string }[] }
  assert.deepEqual([verdict, also.map(({ code }) => code)], ['unknown', ['netns_not_found']])
  for (const args of [[], ['-f', '-']]) {
    const unplaced = verify(args, podFile(null))
    assert.equal(unplaced.status, 2)
    assert.match(unplaced.err, /verify needs --netns PATH, or by -f the pod as the API server shows it/)
  }
})

test('what cannot be entered is unknown, exit code 4; what cannot be read is a wrong input, exit code 2', () => {
  const absent = verify(['--netns', '/run/netns/sluice-none'])
  assert.equal(absent.status, 4)
  assert.match(absent.out, /^unknown\n {2}also {5}the network namespace \/run\/netns\/sluice-none cannot be entered/)
  const attack = verify(['--netns', pod.path, '--intent', '{"v":1,"kind":"ambient","virtualInterfaces":"a\\n-A X"}'])
  assert.equal(attack.status, 2)
  assert.match(attack.err, /^refused: intent_invalid: .*virtualInterfaces has "a\\n-A X", which is no interface name/)
  const nothing = verify(['--netns', pod.path, '--intent', '{"v":1,"kind":"none"}'])
  assert.deepEqual([nothing.status, nothing.out], [0, ''])
})
