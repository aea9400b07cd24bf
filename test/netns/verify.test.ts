import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sidecarTarget } from '../../src/app/agent/verify/intent-target.ts'
import { BARE_SIDECAR } from '../../src/core/intent/intent.ts'
import { verifyNetns } from '../../src/app/agent/verify/verify.ts'
import type { Judgement, Verdict } from '../../src/core/redirection/evidence.ts'
import { sentence } from '../../src/core/vocabulary/reasons.ts'
import { RULES } from './hand-rules.ts'
import { ADDRESS, makeScene, PROXY_USER, type Scene, sysctl } from './scene.ts'
import { FOREIGN_IDS, inNetns, ip, makeForeignNetns, startWorker, type TestNetns } from './world.ts'

const worker = await startWorker()
const TARGET = sidecarTarget({ ...BARE_SIDECAR, inboundPorts: '*', outboundCidrs: '*' }, 'all')

const SCENES = {
  'with Envoy running': { proxy: { user: PROXY_USER, transparentMark: null } },
  'without a proxy': { proxy: null },
} as const

/** What is done to the pod, and what the verdict must say then. */
interface Fault {
  readonly name: string
  /** the rules that are there */
  readonly rules: (all: readonly string[]) => readonly string[]
  readonly tamper?: (pod: TestNetns) => void
  readonly is: Judgement
  readonly says: RegExp
  readonly families?: readonly (4 | 6)[]
}

const without =
  (pattern: RegExp): Fault['rules'] =>
  (all) => {
    const rest = all.filter((line) => !pattern.test(line))
    assert.ok(rest.length < all.length, `${pattern} is in no rule`)
    return rest
  }
const all: Fault['rules'] = (lines) => lines

const FAULTS: readonly Fault[] = [
  { name: 'nothing', rules: all, is: 'redirected', says: /^$/ },
  {
    name: 'the proxy hangs up at once',
    rules: all,
    // what it does between two calls of the measuring, the kernel does always
    tamper: (pod) =>
      inNetns(
        pod,
        'nft',
        'table inet other { chain i { type filter hook input priority 0; tcp dport { 15001, 15006, 15053 } tcp flags & (syn|ack) == ack reject with tcp reset; }\n}',
      ),
    is: 'redirected',
    says: /^$/,
  },
  {
    name: 'all rules gone',
    rules: () => [],
    is: 'bypassing',
    says: /outbound IPv4 .* does not arrive at the proxy's port 15001/,
  },
  {
    name: 'the outbound rule gone',
    rules: without(/tcp redirect to :15001/),
    is: 'partial',
    says: /^outbound IPv4 .* does not arrive/m,
  },
  {
    name: 'the inbound rule gone',
    rules: without(/tcp redirect to :15006/),
    is: 'partial',
    says: /^inbound IPv6 .* does not arrive/m,
  },
  {
    name: 'the jump from the hook gone',
    rules: without(/ output jump/),
    is: 'partial',
    says: /^outbound IPv6 .* does not arrive/m,
  },
  {
    name: 'the DNS rule for UDP gone',
    rules: without(/udp dport 53/),
    is: 'partial',
    says: /^DNS over UDP IPv4 .* no rule translates it/m,
  },
  {
    name: 'the DNS rule for TCP gone',
    rules: without(/dns tcp dport 53/),
    is: 'partial',
    says: /^DNS over TCP IPv6 .* port 15053/m,
  },
  {
    name: 'the rule that lets the proxy out gone',
    rules: without(/ meta skuid 1337 return/),
    is: 'partial',
    says: /^the proxy's own IPv4 .* is redirected back/m,
  },
  {
    name: 'one family missing',
    rules: (lines) =>
      lines.map((line) => line.replace('meta l4proto tcp redirect', 'meta nfproto ipv4 meta l4proto tcp redirect')),
    is: 'partial',
    says: /^outbound IPv6 [^]*^inbound IPv6/m,
  },
  {
    name: 'a rule before ours',
    rules: all,
    tamper: (pod) => inNetns(pod, 'nft', 'insert rule inet istio-proxy-nat output tcp dport 80 accept'),
    is: 'partial',
    says: /^outbound IPv4 .* does not arrive/m,
  },
  {
    name: 'a table of somebody else before ours',
    rules: all,
    tamper: (pod) => {
      const chain = 'chain o { type nat hook output priority -150; tcp dport 80 redirect to :4140; }\n'
      inNetns(pod, 'nft', `table inet other { ${chain} }`)
    },
    is: 'partial',
    says: /^outbound IPv6 /m,
  },
  {
    name: 'all inbound packets dropped before the rules',
    rules: all,
    tamper: (pod) =>
      inNetns(
        pod,
        'nft',
        'table inet other { chain p { type filter hook prerouting priority -400; iifname eth0 tcp dport 1-65535 drop; }\n}',
      ),
    is: 'unknown',
    says: /^it cannot be determined whether inbound IPv4 .* is redirected/m,
  },
]

for (const [when, { proxy }] of Object.entries(SCENES)) {
  const scene = await makeScene(proxy, [])
  for (const { name, rules, tamper, is, says } of FAULTS)
    test(`${when}, ${name}: ${is}`, async () => {
      const verdict = await underRules(scene, rules(RULES), tamper, () => verify(scene, proxy !== null))
      assert.equal(verdict.is, is, complaints(verdict))
      assert.match(complaints(verdict), says)
    })
}

for (const [when, { proxy }] of Object.entries(SCENES))
  test(`${when}, probes and an earlier connection that come from one port of the node are told apart`, async () => {
    const scene = await makeScene(proxy, [])
    // the kernel gives all but one of them another port, so that the answers of the proxy's one port differ
    sysctl(scene.node, 'net.ipv4.ip_local_port_range=40000 40000')
    const open = await underRules(scene, without(/tcp redirect to :15006/)(RULES), undefined, () =>
      verify(scene, false),
    )
    assert.match(complaints(open), /^inbound IPv6 .* does not arrive/m)
    for (const when of ['first', 'again']) {
      const verdict = await underRules(scene, RULES, undefined, () => verify(scene, proxy !== null))
      assert.equal(verdict.is, 'redirected', `${when}: ${complaints(verdict)}`)
    }
  })

test('a proxy that should be running and is not is told, though the rules hold', async () => {
  const scene = await makeScene(null, [])
  const verdict = await underRules(scene, RULES, undefined, () => verify(scene, true))
  assert.equal(verdict.is, 'partial')
  assert.match(complaints(verdict), /nobody listens on the proxy's port 15001, to which outbound IPv4/)
  assert.ok(verdict.measured.every(({ holds }) => holds === true))
})

test('in a pod with users of its own, the proxy is told from applications by its ids on the node', async (t) => {
  const pod = await makeForeignNetns('users')
  const user = { uid: FOREIGN_IDS + PROXY_USER.uid, gid: FOREIGN_IDS + PROXY_USER.gid }
  const scene = await makeScene({ user, transparentMark: null }, [], pod)
  await t.test('all rules there: redirected', async () => {
    const verdict = await underRules(scene, RULES, undefined, () => verify(scene, true))
    assert.equal(verdict.is, 'redirected', complaints(verdict))
  })
  await t.test('the rule that lets the proxy out gone: partial', async () => {
    const verdict = await underRules(scene, without(/ meta skuid 1337 return/)(RULES), undefined, () =>
      verify(scene, true),
    )
    assert.equal(verdict.is, 'partial', complaints(verdict))
  })
  await t.test('nobody tells its ids: unknown', async () => {
    const verdict = await underRules(scene, RULES, undefined, () =>
      verifyNetns(pod.path, { ...options(scene, true), proc: '/run/netns' }),
    )
    assert.equal(verdict.is, 'unknown')
    assert.match(complaints(verdict), /the proxy's own IPv4 .* which ids it has on the node/m)
  })
})

test('measuring leaves neither sockets nor rules behind, and does not disturb a connection', async () => {
  const scene = await makeScene({ user: PROXY_USER, transparentMark: null }, ['app', 'peer'])
  await underRules(scene, RULES, undefined, async () => {
    const dial = { do: 'dial', over: 'tcp', address: ADDRESS.peer[4], port: 80, hold: 'open' } as const
    assert.ok('seen' in (await scene.tell('app', dial)))
    const before = state(scene.pod)
    for (let i = 0; i < 5; i++) assert.equal((await verify(scene, true)).is, 'redirected')
    // a busy Envoy may still be taking and ending what measuring opened and reset
    for (let tries = 0; state(scene.pod) !== before && tries < 300; tries++) await sleep(100)
    assert.equal(state(scene.pod), before)
    assert.ok('seen' in (await scene.tell('app', { do: 'again', hold: 'open' })))
  })
})

/** The rules without their counters, and who listens or is connected. */
function state(pod: TestNetns): string {
  const sockets = ip('netns', 'exec', pod.name, 'ss', '-Htan', 'state', 'listening', 'state', 'established')
  return [inNetns(pod, 'nft', '--stateless', 'list', 'ruleset'), ...sockets.split('\n').toSorted()].join('\n')
}

test('a namespace that cannot be entered is unknown, and named', async () => {
  const verdict = await verifyNetns('/run/netns/sluice-none', options(null, true))
  assert.equal(verdict.is, 'unknown')
  assert.match(complaints(verdict), /\/run\/netns\/sluice-none cannot be entered: ENOENT/)
})

function options(scene: Scene | null, proxyExpected: boolean): Parameters<typeof verifyNetns>[1] {
  return {
    worker,
    target: TARGET,
    proxyExpected,
    outside: scene?.node.handle ?? null,
    proc: '/proc',
    missingRules: null,
  }
}

function verify(scene: Scene, proxyExpected: boolean): Promise<Verdict> {
  return verifyNetns(scene.pod.path, options(scene, proxyExpected))
}

function complaints({ measured, also }: Verdict): string {
  const reasons = [...measured.filter(({ holds }) => holds !== true).map(({ reason }) => reason), ...also]
  return reasons.map(sentence).join('\n')
}

async function underRules<T>(
  { pod }: Scene,
  lines: readonly string[],
  tamper: Fault['tamper'],
  work: () => Promise<T>,
): Promise<T> {
  const text = lines.map((line) => `${line}\n`).join('')
  const applied = await worker.run('apply', pod.handle, {
    rules: { backend: 'libnftables', text },
    network: [{ kind: 'address', address: '::6', prefix: 128, device: 'lo' }],
  })
  assert.deepEqual(applied.ok, true, JSON.stringify(applied))
  try {
    tamper?.(pod)
    return await work()
  } finally {
    inNetns(pod, 'nft', 'flush ruleset')
  }
}
