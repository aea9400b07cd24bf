/** What the first pod with its selectors pays for the question which nodes may get it, before the answer is remembered. */
import { DEFAULT_INSTALLATION } from '../src/app/webhook/options.ts'
import { worldOf } from '../src/app/webhook/world.ts'
import { largeCluster } from './server/large-cluster.ts'
import { report } from './support/report.ts'
import { cpuOf } from './support/usage.ts'

const now = worldOf(largeCluster(5_000, 0), DEFAULT_INSTALLATION).current()
if (now.is !== 'snapshot') throw new Error(now.why)
let number = 0
const work = (): unknown =>
  now.snapshot.coverage({ spec: { nodeSelector: { 'bench.example/pool': String(number++) } } })

report([
  {
    name: 'coverage of new constraints, 5,000 nodes: CPU',
    value: cpuOf(work, { runs: 20 }),
    unit: 'ms',
    goal: null,
  },
])
