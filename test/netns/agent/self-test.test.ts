import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Picked } from '../../../src/app/agent/backend-choice.ts'
import { type Backend, BACKENDS } from '../../../src/edge/host/apply.ts'
import type { JobKind, Jobs, Place } from '../../../src/edge/host/netns-jobs.ts'
import type { NetnsWorker } from '../../../src/edge/host/netns-worker.ts'
import { sentence } from '../../../src/core/vocabulary/reasons.ts'
import { end, ip, makeNetns, startWorker, tools } from '../world.ts'
import { agentOptions, startTestAgent, temporaryFolder } from './node.ts'
import { redirectorWith } from './redirectors.ts'

/** Whether an agent is Ready: traffic is sent through rules that it makes, in a pod on a node that are both made for it. */
const worker = await startWorker()

async function picked(backend: Backend | null, through: Pick<NetnsWorker, 'run'> = worker): Promise<Picked> {
  const redirector = redirectorWith({ worker: through, backend })
  await redirector.tryNode()
  return redirector.picked
}

for (const backend of BACKENDS)
  test(`${backend}: traffic follows its rules`, async () => {
    assert.deepEqual(await picked(backend), { is: 'picked', backend, because: 'it is forced' })
  })

/** Sends traffic as the real one, after something changed the rules of the pod in the kernel. */
function tampering(...commands: readonly (readonly string[])[]): Pick<NetnsWorker, 'run'> {
  return {
    run: async <K extends JobKind>(kind: K, place: Place, input: Jobs[K]['takes']) => {
      if (kind === 'probe')
        for (const [file = '', ...args] of commands) {
          const inside = [`--net=/proc/${process.pid}/fd/${place.fd}`, `${tools.programs}${file}`, ...args]
          execFileSync('nsenter', inside, { env: tools.env, stdio: 'ignore' })
        }
      return await worker.run(kind, place, input)
    },
  }
}

const FAULTS: readonly {
  readonly name: string
  readonly backend: Backend
  readonly tamper: readonly (readonly string[])[]
  readonly says: RegExp
}[] = [
  {
    name: 'no rule is there',
    backend: 'libnftables',
    tamper: [['nft', 'flush', 'ruleset']],
    says: /libnftables: outbound IPv4 .* does not arrive.*inbound IPv4 .* does not arrive.*inbound IPv6 .* does not arrive/,
  },
  {
    name: 'what comes in goes past',
    backend: 'libnftables',
    tamper: [['nft', 'flush', 'chain', 'inet', 'istio-proxy-nat', 'prerouting']],
    says: /libnftables: inbound IPv4 .* does not arrive.*inbound IPv6 .* does not arrive/,
  },
  {
    name: 'what goes out goes past',
    backend: 'nft',
    tamper: [['nft', 'flush', 'chain', 'inet', 'istio-proxy-nat', 'output']],
    says: /nft: outbound IPv4 .* does not arrive.*DNS over UDP IPv6 .* does not arrive/,
  },
  {
    name: 'the proxy talks to itself',
    backend: 'libnftables',
    tamper: [
      [
        'nft',
        'insert',
        'rule',
        'inet',
        'istio-proxy-nat',
        'output',
        'meta',
        'l4proto',
        'tcp',
        'redirect',
        'to',
        ':15001',
      ],
    ],
    says: /the proxy's own IPv4 .* is redirected back to the proxy/,
  },
  {
    name: 'one family goes past',
    backend: 'iptables-nft',
    tamper: [['ip6tables-nft', '-t', 'nat', '-F', 'PREROUTING']],
    says: /iptables-nft: inbound IPv6 .* does not arrive/,
  },
  {
    name: 'what comes in goes past',
    backend: 'iptables-legacy',
    tamper: [['iptables-legacy', '-t', 'nat', '-F', 'ISTIO_IN_REDIRECT']],
    says: /iptables-legacy: inbound IPv4 .* does not arrive/,
  },
]

for (const { name, backend, tamper, says } of FAULTS)
  test(`${backend}: rules that were made and traffic that does not follow them are told: ${name}`, async () => {
    const found = await picked(backend, tampering(...tamper))
    assert.ok(found.is === 'none' && found.reason.code === 'backend_bypassed', JSON.stringify(found))
    assert.match(sentence(found.reason), says)
  })

test('a backend whose rules nothing follows is passed over for the next', async () => {
  const found = await picked(null, tampering(['nft', 'flush', 'ruleset']))
  assert.ok(found.is === 'picked' && found.backend === 'iptables-legacy', JSON.stringify(found))
  assert.match(found.because, /^libnftables: outbound .* does not arrive.*; nft: .*; iptables-nft: /)
})

test(
  'an agent whose rules nothing follows is not Ready, says so, raises an alarm, and tries again soon',
  { timeout: 120_000 },
  async () => {
    const folder = temporaryFolder()
    // as a build of nft that takes every rule and makes something else of one
    const lying = `#!/bin/sh\nsed 's/redirect to :15006/accept/' | exec ${tools.programs}nft "$@"\n`
    writeFileSync(join(folder, 'nft'), lying, { mode: 0o755 })
    const programs = { directory: `${folder}/`, env: tools.env }
    const agent = await startTestAgent(agentOptions(folder, { tools: { libnftables: null, programs, backend: 'nft' } }))
    const get = async (port: number, path: string): Promise<{ readonly status: number; readonly text: string }> => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`)
      return { status: answer.status, text: await answer.text() }
    }
    const { status, text } = await get(agent.healthAddress.port, '/readyz?verbose')
    assert.equal(status, 503)
    assert.match(
      text,
      /\[-\]self-test failed: rules are made on this node, but traffic does not follow them: nft: inbound IPv4/,
    )
    const metrics = async (): Promise<string> => (await get(agent.metricsAddress.port, '/metrics')).text
    while (!(await metrics()).includes('sluice_alarms{reason="backend_bypassed"} 1')) await setTimeout(50)
    // beyond the turn with which the loop begins
    await setTimeout(2000)
    writeFileSync(join(folder, 'nft'), lying.replace("sed 's/redirect to :15006/accept/' | ", ''), { mode: 0o755 })
    while (!(await get(agent.healthAddress.port, '/readyz?verbose')).text.includes('[+]self-test ok'))
      await setTimeout(50)
  },
)

/** An agent's self-test in a process of its own, again and again where it is told to. */
const PROGRAM = join(import.meta.dirname, '../programs/self-test.ts')

for (const [capability, backend, code, says] of [
  ['setuid', 'libnftables', 'backend_unproven', /takes CAP_SETUID and CAP_SETGID.*lacks the capabilities SETUID$/],
  ['setgid', 'libnftables', 'backend_unproven', /takes CAP_SETUID and CAP_SETGID/],
  ['net_raw', 'iptables-legacy', 'backend_absent', /lacks the capability NET_RAW/],
  [
    'net_admin',
    'libnftables',
    'backend_absent',
    /no backend can make rules on this node: libnftables: .*Operation not permitted.*; the agent lacks the capabilities NET_ADMIN$/,
  ],
  [
    'sys_admin',
    'libnftables',
    'backend_absent',
    /no network namespace can be made to try it in: unshare: EPERM; the agent lacks the capabilities SYS_ADMIN$/,
  ],
] as const)
  test(`a process without ${capability} says of ${backend} what it lacks`, () => {
    const without = ['--bounding-set', `-${capability}`, '--inh-caps', `-${capability}`, '--']
    const text = execFileSync('setpriv', [...without, process.execPath, PROGRAM, backend, '1'], { encoding: 'utf8' })
    const found = JSON.parse(text) as Picked
    assert.ok(found.is === 'none' && found.reason.code === code, text)
    assert.match(sentence(found.reason), says)
  })

test('iptables-nft asks for no raw socket', () => {
  const args = ['--bounding-set', '-net_raw', '--inh-caps', '-net_raw', '--', process.execPath, PROGRAM]
  const text = execFileSync('setpriv', [...args, 'iptables-nft', '1'], { encoding: 'utf8' })
  assert.equal((JSON.parse(text) as Picked).is, 'picked', text)
})

test('again and again it leaves no descriptor behind', async () => {
  await picked(null)
  const descriptors = (): number => readdirSync('/proc/self/fd').length
  const open = descriptors()
  for (let i = 0; i < 10; i++) assert.equal((await picked(null)).is, 'picked')
  assert.equal(descriptors(), open)
})

for (const backend of ['libnftables', 'iptables-legacy'])
  test(`${backend}: killed in the middle it leaves nothing in the network that it was started in, and the next one goes well`, async () => {
    const { name } = makeNetns('machine')
    const state = (): string => ip('-n', name, '-o', 'address') + ip('-n', name, '-o', 'link')
    const before = state()
    for (let i = 0; i < 4; i++) {
      const args = ['netns', 'exec', name, process.execPath, PROGRAM, backend, '1000000']
      const child = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] })
      // somewhere within one of its rounds
      for (let lines = 0; lines <= i; lines++) await once(child.stdout, 'data')
      await end(child)
      assert.equal(state(), before)
    }
    const text = execFileSync('ip', ['netns', 'exec', name, process.execPath, PROGRAM, backend, '1'], {
      encoding: 'utf8',
    })
    assert.equal((JSON.parse(text) as Picked).is, 'picked', text)
    assert.equal(state(), before)
  })
