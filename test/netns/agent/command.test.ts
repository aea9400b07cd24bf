import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { end, tools, untilEnd } from '../world.ts'

const directory = mkdtempSync(join(tmpdir(), 'sluice-agent-'))
after(() => rmSync(directory, { recursive: true }))

/** The command as it is run on a node, with all of its paths in a folder of its own. */
test('a whole agent runs inside a temporary directory, answers for its health, and stops when it is told to', async () => {
  const path = (name: string): string => join(directory, name)
  const args = [
    ...['src/main.ts', 'agent', '--node-name', 'node-1', '--objects', 'examples'],
    ...['--cni-bin-dir', path('bin'), '--cni-conf-dir', path('net.d'), '--run-dir', path('run')],
    ...[
      '--plugin-socket',
      path('run/cni.sock'),
      '--ztunnel-socket',
      path('ztunnel.sock'),
      '--netns-dir',
      path('netns'),
    ],
    ...['--libnftables', tools.libnftables, '--programs-dir', tools.programs],
    ...['--health-listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0'],
  ]
  // fewer open files than a node's pods may take: it works, and says so
  const command = ['-c', 'ulimit -n 360 && exec "$0" "$@"', process.execPath, ...args]
  const agent = spawn('/bin/sh', command, { env: tools.env, stdio: ['ignore', 'pipe', 'inherit'] })
  untilEnd({ [Symbol.asyncDispose]: async () => await end(agent) })
  const lines: Record<string, unknown>[] = []
  const isThere = (field: string, value: string): boolean => lines.some((line) => line[field] === value)
  for await (const line of createInterface({ input: agent.stdout })) {
    lines.push(JSON.parse(line) as Record<string, unknown>)
    if (isThere('msg', 'working') && isThere('reason', 'descriptors_few')) break
  }
  assert.ok(
    lines.some(({ msg, backend }) => msg === 'backend for rules' && backend === 'libnftables'),
    JSON.stringify(lines),
  )
  const working = lines.find(({ msg }) => msg === 'working') as {
    healthAddress: { port: number }
    metricsAddress: { port: number }
  }
  const get = async (port: number, url: string): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${port}${url}`)
    return `${answer.status} ${await answer.text()}`
  }
  assert.match(await get(working.healthAddress.port, '/healthz?verbose'), /^200 \[\+\]alarms ok/)
  assert.match(await get(working.healthAddress.port, '/readyz?verbose'), /\[\+\]self-test ok: .*libnftables/)
  assert.match(await get(working.metricsAddress.port, '/metrics'), /sluice_agent_backend\{backend="libnftables"\} 1/)
  agent.kill('SIGTERM')
  const [code] = (await once(agent, 'exit')) as [number | null]
  assert.equal(code, 0)
})
