import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { User } from './actors.ts'
import { end, type TestNetns, tools, untilEnd } from './world.ts'
import { type BootstrapOptions, envoyBootstrap } from '../../scripts/envoy-bootstrap.ts'

export interface EnvoyOptions extends BootstrapOptions {
  readonly user: User
}

/** Starts Envoy in `netns` as `options.user` and waits until it listens. It ends with the test file. */
export async function startEnvoy(netns: TestNetns, options: EnvoyOptions): Promise<void> {
  const { uid, gid } = options.user
  // by descriptor, since the cache may lie in a folder that only its owner may enter
  const binary = openSync(tools.envoy, 'r')
  const become = ['setpriv', '--reuid', String(uid), '--regid', String(gid), '--clear-groups']
  const flags = [
    '--config-yaml',
    JSON.stringify(envoyBootstrap(options)),
    '--disable-hot-restart',
    '--concurrency',
    '1',
  ]
  const child = spawn(
    'ip',
    ['netns', 'exec', netns.name, ...become, '/proc/self/fd/3', ...flags, '--log-level', 'info'],
    {
      stdio: ['ignore', 'ignore', 'pipe', binary],
    },
  )
  closeSync(binary)
  untilEnd({ [Symbol.asyncDispose]: () => end(child) })
  const { stderr } = child
  if (stderr === null) throw new Error('Envoy has no stderr')
  const log: string[] = []
  const lines = createInterface({ input: stderr })
  for await (const line of lines) {
    log.push(line)
    if (!line.includes('starting workers')) continue
    stderr.resume()
    return
  }
  throw new Error(`Envoy ended before it listened:\n${log.slice(-5).join('\n')}`)
}
