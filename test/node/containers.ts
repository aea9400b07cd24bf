import { objectOr, objectsOf, stringOr } from '../../src/core/json/value.ts'
import { node, run } from './cluster.ts'

/** What the runtime and the agent know of a pod, without asking the API server. */
const CTR = ['ctr', '-n', 'k8s.io'] as const

/** The name of a pod's pause process. */
export const SANDBOX = ''

/** The container of the pod that runs now; undefined where none does. */
export async function runningContainer(pod: string, container: string): Promise<string | undefined> {
  const which =
    container === SANDBOX
      ? 'labels."io.cri-containerd.kind"==sandbox'
      : `labels."io.kubernetes.container.name"==${container}`
  const ids = (await run(...CTR, 'containers', 'ls', '-q', `labels."io.kubernetes.pod.name"==${pod},${which}`)).split(
    '\n',
  )
  const tasks = await run(...CTR, 'tasks', 'ls')
  return ids.find((id) => id !== '' && new RegExp(`^${id} +\\d+ +RUNNING`, 'm').test(tasks))
}

let execs = 0

/** What the container `app` of a pod hears when it asks `address`; what went wrong where it could not ask. */
export async function dialInside(pod: string, address: string): Promise<string> {
  const id = await runningContainer(pod, 'app')
  if (id === undefined) return 'its application does not run'
  const exec = [...CTR, 'tasks', 'exec', '--exec-id', `dial-${process.pid}-${execs++}`, id, '/box', 'dial', address]
  const { stdout, stderr } = await node.exec(exec)
  return stdout.trim() || stderr.trim()
}

/** Ends the pod's pause process, as a runtime that crashed does: the kubelet has the whole sandbox made anew. */
export async function killSandbox(pod: string): Promise<void> {
  await run(...CTR, 'tasks', 'kill', '-s', 'SIGKILL', (await runningContainer(pod, SANDBOX)) ?? '')
}

/** What the agent remembers of a pod. */
export async function remembered(pod: string): Promise<{ readonly containerId: string; readonly netnsPath: string }> {
  const { entries } = objectOr(JSON.parse(await run('cat', '/run/sluice/journal.json')))
  const entry = objectsOf(entries).find(({ name }) => name === pod)
  return {
    containerId: stringOr(entry?.['containerId']) ?? '',
    netnsPath: stringOr(entry?.['netnsPath']) ?? '',
  }
}

const METRICS = 'http://127.0.0.1:15014/metrics'

/** A number of the agent's metrics, or of those at `url`; NaN where it is not there. */
export async function gauge(name: string, url = METRICS): Promise<number> {
  const line = (await get(url)).split('\n').find((one) => one.startsWith(`${name} `))
  return Number(line?.slice(name.length + 1) ?? NaN)
}

/** What the node answers over HTTP: status and text. */
export async function get(url: string): Promise<string> {
  const script =
    'fetch(process.argv[1]).then(async (a) => console.log(a.status, await a.text()), (e) => console.log(String(e)))'
  return await run(process.execPath, '-e', script, url)
}
