import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifyPod } from '../../src/app/agent/verify/pod.ts'
import { address, id } from '../../src/core/intent/grammar.ts'
import { type AmbientIntent, PLAIN_AMBIENT } from '../../src/core/intent/intent.ts'
import { ambientHostRules, ambientPodRules, type AmbientNode } from '../../src/core/redirection/ambient.ts'
import type { Judgement, Verdict } from '../../src/core/redirection/evidence.ts'
import { IPTABLES } from '../../src/core/redirection/iptables.ts'
import { networkOf } from '../../src/core/redirection/network.ts'
import { NFTABLES } from '../../src/core/redirection/nftables.ts'
import { PROBE_SETS, PROBE_SOURCE } from '../../src/core/vocabulary/ports.ts'
import { sentence } from '../../src/core/vocabulary/reasons.ts'
import { ADDRESS, makeScene } from './scene.ts'
import { inNetns, startWorker } from './world.ts'

/**
 * Measuring an ambient pod on a node that gives the kubelet's probes a source of their own: what the measuring itself sends
 * from the node must not be taken for such a probe.
 */
const worker = await startWorker()
const { pod, node } = await makeScene(null, [])
const NODE: AmbientNode = {
  families: [4, 6],
  dnsCapture: true,
  probeSource: { 4: address.parse(PROBE_SOURCE.v4), 6: address.parse(PROBE_SOURCE.v6) },
}
const kubelet = { is: 'user', uid: id.parse('0') } as const
inNetns(node, 'nft', NFTABLES.render(ambientHostRules(NODE, kubelet)).text)
for (const [set, family] of [
  [PROBE_SETS.v4, 4],
  [PROBE_SETS.v6, 6],
] as const)
  inNetns(node, 'nft', `add element inet istio-ambient-nat ${set} { ${ADDRESS.pod[family]} }`)

interface Row {
  readonly name: string
  readonly intent?: Partial<AmbientIntent>
  /** by nft: lines that are left out; a second command */
  readonly without?: RegExp
  readonly tamper?: string
  readonly is: Judgement
  readonly says: RegExp
}

const ROWS: readonly Row[] = [
  { name: 'all rules', is: 'redirected', says: /^$/ },
  { name: 'an ingress, whose inbound traffic is its own', intent: { ingress: true }, is: 'redirected', says: /^$/ },
  { name: 'DNS left alone by the pod', intent: { dns: 'off' }, is: 'redirected', says: /^$/ },
  { name: 'no rules', without: /./, is: 'bypassing', says: /^inbound IPv6 traffic/m },
  { name: 'the outbound rules gone', without: /redirect to :15001/, is: 'partial', says: /^outbound IPv4 .* 15001/m },
  { name: 'the inbound rule of IPv6 gone', without: /ip6 .*redirect to :15006/, is: 'partial', says: /^inbound IPv6/m },
  { name: 'DNS over UDP gone', without: /udp.*redirect to :15053/, is: 'partial', says: /^DNS over UDP IPv4/m },
  {
    name: 'a rule before ours',
    tamper: 'insert rule inet istio-ambient-nat output tcp dport 80 accept',
    is: 'partial',
    says: /^outbound IPv6 /m,
  },
  {
    name: 'what ztunnel sends is sent back to it',
    tamper: 'insert rule inet istio-ambient-nat output tcp dport 80 redirect to :15001',
    is: 'partial',
    says: /^the proxy's own IPv4 .* is redirected back/m,
  },
]

for (const { name, intent = {}, without, tamper, is, says } of ROWS)
  test(`ambient, ${name}: ${is}`, async () => {
    const wanted = { ...PLAIN_AMBIENT, ...intent }
    const lines = NFTABLES.render(ambientPodRules(wanted, NODE)).text.split('\n')
    const text = lines.filter((line) => without === undefined || !without.test(line)).join('\n')
    await make({ backend: 'libnftables', text })
    if (tamper !== undefined) inNetns(pod, 'nft', tamper)
    const verdict = await verify(wanted)
    assert.equal(verdict.is, is, complaints(verdict))
    assert.match(complaints(verdict), says)
  })

for (const backend of ['iptables-nft', 'iptables-legacy'] as const)
  test(`ambient, all rules by ${backend}: redirected`, async () => {
    const rules = { backend, texts: IPTABLES.render(ambientPodRules(PLAIN_AMBIENT, NODE)) }
    await make(rules)
    const verdict = await verify(PLAIN_AMBIENT)
    assert.equal(verdict.is, 'redirected', complaints(verdict))
    for (const program of ['iptables', 'ip6tables'])
      for (const table of ['nat', 'mangle', 'raw'])
        for (const what of ['-F', '-X']) inNetns(pod, `${program}-${backend.slice(9)}`, '-t', table, what)
  })

async function make(rules: Parameters<typeof worker.run<'apply'>>[2]['rules']): Promise<void> {
  inNetns(pod, 'nft', 'flush ruleset')
  const network = networkOf(PLAIN_AMBIENT, NODE.families)
  const applied = await worker.run('apply', pod.handle, { rules, network })
  assert.ok(applied.ok, applied.ok ? '' : applied.error)
}

function verify(intent: AmbientIntent): Promise<Verdict> {
  return verifyPod(pod.handle, pod.path, intent, {
    worker,
    proxyExpected: false,
    outside: node.handle,
    proc: '/proc',
    resolvers: null,
    ambientDns: true,
    missing: null,
  })
}

function complaints({ measured, also }: Verdict): string {
  const reasons = [...measured.filter(({ holds }) => holds !== true).map(({ reason }) => reason), ...also]
  return reasons.map(sentence).join('\n')
}
