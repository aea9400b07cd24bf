/** What one namespace costs the agent, with each back end that works here: CPU of this process and of the programs that it runs. */
import { Redirector } from '../src/app/agent/redirector.ts'
import { verifyPod } from '../src/app/agent/verify/pod.ts'
import { address } from '../src/core/intent/grammar.ts'
import { PROBE_SOURCE } from '../src/core/vocabulary/ports.ts'
import { type Backend, BACKENDS } from '../src/edge/host/apply.ts'
import { NetnsWorker } from '../src/edge/host/netns-worker.ts'
import { INTENT } from '../test/netns/agent/node.ts'
import { makeScene } from '../test/netns/scene.ts'
import { startWorker, type TestNetns, tools } from '../test/netns/world.ts'
import type { Figure } from './support/figure.ts'
import { report } from './support/report.ts'
import { Timed } from './support/timed.ts'

const ROUNDS = 60
const WARM_UP = 10
const probeSource = { 4: address.parse(PROBE_SOURCE.v4), 6: address.parse(PROBE_SOURCE.v6) }

const worker = await startWorker()
await using probes = await NetnsWorker.start({
  libnftables: null,
  programs: { directory: tools.programs, env: tools.env },
})
const { pod, node } = await makeScene(null, [])
const figures: Figure[] = []
for (const backend of BACKENDS) figures.push(...(await measured(backend, pod)))
report(figures)

async function measured(backend: Backend, netns: TestNetns): Promise<readonly Figure[]> {
  const redirector = new Redirector({ worker, prober: probes, backend, ambient: { dnsCapture: true, probeSource } })
  await redirector.tryNode()
  if (redirector.picked.is === 'none') return []
  const apply = async (): Promise<string> => (await redirector.redirect(netns.handle, INTENT)).is
  const readBack = async (): Promise<string> => (await redirector.compare(netns.handle, INTENT)).is
  const remove = async (): Promise<string> => (await redirector.undo(netns.handle, INTENT))?.code ?? 'removed'
  const verify = async (): Promise<string> => {
    const verdict = await verifyPod(netns.handle, netns.path, INTENT, {
      ...{ worker: probes, proxyExpected: false, outside: node.handle, proc: '/proc' },
      ...{ resolvers: null, ambientDns: true, missing: [] },
    })
    return verdict.is
  }
  const own = backend === 'libnftables'
  const works = [
    { timed: new Timed('apply', own ? '<= 3' : null), work: apply, wanted: 'redirected' },
    { timed: new Timed('read back', null), work: readBack, wanted: 'compared' },
    // probes do not know who made the rules
    ...(own ? [{ timed: new Timed('verify', null), work: verify, wanted: 'redirected' }] : []),
    { timed: new Timed('remove', null), work: remove, wanted: 'removed' },
  ]
  for (let round = -WARM_UP; round < ROUNDS; round++)
    for (const { timed, work, wanted } of works) {
      const result = await timed.run(work, round >= 0)
      if (result !== wanted) throw new Error(`${backend}, ${timed.what}: ${result} instead of ${wanted}`)
    }
  return works.flatMap(({ timed }) => timed.figures(`rules, ${backend}`))
}
