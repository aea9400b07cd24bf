/**
 * What one namespace costs the agent, with each back end that works here: CPU of this process, its threads included, and of the
 * programs that it runs, as the mean of all rounds after some to warm up; beside it the median and p99 of the time that passed.
 */
import { Redirector } from '../src/app/agent/redirector.ts'
import { verifyPod } from '../src/app/agent/verify/pod.ts'
import { address, port } from '../src/core/intent/grammar.ts'
import { PROBE_SOURCE } from '../src/core/vocabulary/ports.ts'
import { type Backend, BACKENDS } from '../src/edge/host/apply.ts'
import { INTENT } from '../test/netns/agent/node.ts'
import { makeScene } from '../test/netns/scene.ts'
import { startWorker } from '../test/netns/world.ts'
import type { Figure } from './support/figure.ts'
import { report } from './support/report.ts'
import { Timed } from './support/timed.ts'

const ROUNDS = 60
const WARM_UP = 10
/** More than the agent remembers. */
const KINDS = 50
const probeSource = { 4: address.parse(PROBE_SOURCE.v4), 6: address.parse(PROBE_SOURCE.v6) }

const worker = await startWorker()
const figures: Figure[] = []
for (const backend of BACKENDS) figures.push(...(await rulesOf(backend)))
figures.push(...(await rulesOfStrangers()))
report([...figures, ...(await verification())])

/** Rules for pods that want the same, made, read back and taken away, in a namespace without traffic, as that of a pod that starts. */
async function rulesOf(backend: Backend): Promise<readonly Figure[]> {
  const { pod } = await makeScene(null, [])
  const redirector = await redirectorBy(backend)
  if (redirector.picked.is === 'none') return []
  return await inRounds(`rules, ${backend}`, [
    {
      timed: new Timed('apply', backend === 'libnftables' ? '<= 3' : null),
      work: async () => (await redirector.redirect(pod.handle, INTENT)).is,
      wanted: 'redirected',
    },
    {
      timed: new Timed('read back', null),
      work: async () => (await redirector.compare(pod.handle, INTENT)).is,
      wanted: 'compared',
    },
    {
      timed: new Timed('remove', null),
      work: async () => (await redirector.undo(pod.handle, INTENT))?.code ?? 'removed',
      wanted: 'removed',
    },
  ])
}

/** Rules for pods of which each wants something else than those before it, so that nothing of them is prepared. */
async function rulesOfStrangers(): Promise<readonly Figure[]> {
  const { pod } = await makeScene(null, [])
  const redirector = await redirectorBy('libnftables')
  const kinds = Array.from({ length: KINDS }, (_, kind) => {
    return { ...INTENT, outboundPortsExcluded: [port.parse(String(1000 + kind))] }
  })
  let pods = 0
  return await inRounds('rules, libnftables, no two pods alike', [
    {
      timed: new Timed('apply', '<= 3'),
      work: async () => (await redirector.redirect(pod.handle, kinds[pods++ % KINDS] ?? INTENT)).is,
      wanted: 'redirected',
    },
    {
      timed: new Timed('remove', null),
      work: async () => (await redirector.undo(pod.handle, INTENT))?.code ?? 'removed',
      wanted: 'removed',
    },
  ])
}

/**
 * Probes, which do not know who made the rules. Apart from the rest: the kernel keeps their connections for minutes, and rules that come
 * into a namespace with connections make it walk those of the whole machine.
 */
async function verification(): Promise<readonly Figure[]> {
  const { pod, node } = await makeScene(null, [])
  const redirector = await redirectorBy('libnftables')
  await redirector.redirect(pod.handle, INTENT)
  const verify = async (): Promise<string> => {
    const verdict = await verifyPod(pod.handle, pod.path, INTENT, {
      ...{ worker, proxyExpected: false, outside: node.handle, proc: '/proc' },
      ...{ resolvers: null, ambientDns: true, missing: [] },
    })
    return verdict.is
  }
  return await inRounds('rules, libnftables', [
    { timed: new Timed('verify', null), work: verify, wanted: 'redirected' },
  ])
}

async function redirectorBy(backend: Backend): Promise<Redirector> {
  const redirector = new Redirector({ worker, backend, ambient: { dnsCapture: true, probeSource } })
  await redirector.tryNode()
  return redirector
}

interface Work {
  readonly timed: Timed
  readonly work: () => Promise<string>
  readonly wanted: string
}

async function inRounds(of: string, works: readonly Work[]): Promise<readonly Figure[]> {
  for (let round = -WARM_UP; round < ROUNDS; round++)
    for (const { timed, work, wanted } of works) {
      const result = await timed.run(work, round >= 0)
      if (result !== wanted) throw new Error(`${of}, ${timed.what}: ${result} instead of ${wanted}`)
    }
  return works.flatMap(({ timed }) => timed.figures(of))
}
