/**
 * `npm test`: every suite that this machine allows, one after the other, then a table. A suite that cannot run is skipped
 * with its reason, which means "unknown"; with CI=true that is a failure.
 */
import { spawnSync } from 'node:child_process'
import { missingForHelm } from './chart/helm.ts'
import { missingForKubernetes } from './cluster/kubernetes.ts'
import { missingForNode, NODE_PROGRAMS } from './cluster/node.ts'
import { missingForPlugin } from './plugin.ts'

interface Suite {
  /** npm script `test:<name>` */
  readonly name: string
  readonly what: string
  /** why it cannot run here, or null */
  readonly missing: () => string | null
}

const always = (): null => null

/** Real rules and traffic: needs to make network namespaces, and programs that are fetched into the cache. */
function netnsMissing(): string | null {
  if (spawnSync('unshare', ['--net', 'true']).status !== 0)
    return 'network namespaces cannot be made: it takes CAP_SYS_ADMIN'
  const { status, stderr } = spawnSync(process.execPath, ['scripts/netns-tools.ts'], { encoding: 'utf8' })
  process.stderr.write(stderr)
  return status === 0 ? null : (stderr.trim().split('\n').at(-1) ?? 'its programs cannot be fetched')
}

/** Debian's packages, Go, and the right to change the root of a process. */
function imageMissing(): string | null {
  if (spawnSync('chroot', ['/', 'true']).status !== 0) return 'a root cannot be changed: it takes CAP_SYS_CHROOT'
  return aptMissing() ?? missingForPlugin()
}

function aptMissing(): string | null {
  if (spawnSync('apt-get', ['--version']).status === 0) return null
  return "there is no apt-get, which fetches Debian's packages"
}

const SUITES: readonly Suite[] = [
  { name: 'types', what: 'the compiler', missing: always },
  { name: 'lint', what: 'type-aware lint and format', missing: always },
  { name: 'direction', what: 'import directions', missing: always },
  { name: 'dead', what: 'files, exports and dependencies that nobody uses', missing: always },
  { name: 'house', what: 'the repository itself', missing: always },
  { name: 'unit', what: 'core, edge and app, one by one', missing: always },
  { name: 'goldens', what: "Istio's cases", missing: always },
  { name: 'soak', what: 'a webhook under half load, which must not grow', missing: always },
  { name: 'plugin', what: 'the CNI plugin, as a runtime calls it', missing: missingForPlugin },
  {
    name: 'chart',
    what: 'the Helm chart and what is rendered from it, rules and alerts',
    missing: () => aptMissing() ?? missingForHelm(),
  },
  { name: 'image', what: 'the root file system of the image', missing: imageMissing },
  { name: 'netns', what: 'real rules in real namespaces', missing: () => missingForPlugin() ?? netnsMissing() },
  {
    name: 'cluster',
    what: 'a real API server',
    missing: () => missingForKubernetes(['etcd', 'kube-apiserver', 'kubectl']),
  },
  {
    name: 'node',
    what: 'a whole node: kubelet, containerd, an agent in a DaemonSet',
    missing: () => missingForNode() ?? missingForKubernetes(NODE_PROGRAMS) ?? missingForPlugin() ?? netnsMissing(),
  },
]

type Result =
  { readonly is: 'passed' | 'failed'; readonly seconds: number } | { readonly is: 'skipped'; readonly why: string }

function run(suite: Suite): Result {
  const why = suite.missing()
  if (why !== null) return { is: 'skipped', why }
  process.stdout.write(`\n── test:${suite.name}: ${suite.what}\n`)
  const start = process.hrtime.bigint()
  const { status } = spawnSync('npm', ['run', '--silent', `test:${suite.name}`], { stdio: 'inherit' })
  return { is: status === 0 ? 'passed' : 'failed', seconds: Number(process.hrtime.bigint() - start) / 1e9 }
}

const only = process.argv.slice(2)
const results = SUITES.filter((suite) => only.length === 0 || only.includes(suite.name)).map((suite) => ({
  suite,
  result: run(suite),
}))

process.stdout.write('\n')
for (const { suite, result } of results)
  process.stdout.write(
    `${result.is.padEnd(8)} test:${suite.name.padEnd(10)} ${result.is === 'skipped' ? result.why : `${result.seconds.toFixed(1)} s`}\n`,
  )
const count = (is: Result['is']): number => results.filter(({ result }) => result.is === is).length
process.stdout.write(`\nsuites: ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped\n`)
const bad = count('failed') + (process.env['CI'] === 'true' ? count('skipped') : 0)
process.exitCode = bad === 0 && results.length > 0 ? 0 : 1
