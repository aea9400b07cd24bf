import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditEvent } from '../../scripts/cluster/api-server.ts'
import { node, run, waitFor } from './cluster.ts'
import { NODE_DIRECTORY } from './place.ts'

const PID_FILE = join(NODE_DIRECTORY, 'kube-apiserver.pid')
const answers = async (): Promise<boolean> => (await node.kubectl(['get', '--raw', '/readyz'])).code === 0

/** Kills the node's API server; gives what starts it again as it was where that is still to do, and waits until it answers. */
export async function killApiServer(): Promise<() => Promise<void>> {
  const pid = readFileSync(PID_FILE, 'utf8').trim()
  const command = (await run('cat', `/proc/${pid}/cmdline`)).split('\0').slice(0, -1)
  await run('kill', '-KILL', pid)
  await waitFor(async () => !(await answers()), 'the API server is away')
  return async () => {
    if (await answers()) return
    // it outlives this test, in the node's own pid namespace
    const script = 'cd "$1"; shift; "$@" >>log/kube-apiserver.log 2>&1 </dev/null & echo $! >kube-apiserver.pid'
    await run('sh', '-c', script, 'sh', NODE_DIRECTORY, ...command)
    await waitFor(answers, 'the API server is back')
  }
}

/** What the API server was asked from now on by `user`: verb and resource of each request. */
export function askedFromNow(user: string): () => readonly string[] {
  const lines = (): readonly string[] => readFileSync(join(NODE_DIRECTORY, 'audit.log'), 'utf8').split('\n')
  const before = lines().length - 1
  return () => {
    const events = lines()
      .slice(before)
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as AuditEvent)
      .filter((event) => event.user.username === user)
    // a watch is told when it opens and when it ends
    const requests = new Map(events.map((event) => [event.auditID, event]))
    return [...requests.values()].map(({ verb, objectRef }) => `${verb} ${objectRef?.resource ?? ''}`)
  }
}
