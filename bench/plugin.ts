/**
 * The CNI plugin as a runtime starts it, whole process, against an agent in a process of its own; then many pods at once, and what
 * the agent holds for them.
 */
import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonObject } from '../src/core/json/value.ts'
import { buildPlugin } from '../scripts/plugin.ts'
import { agentOptions, callPlugin, DECIDED, makeSandbox, NODE, type PluginCall } from '../test/netns/agent/node.ts'
import { tools } from '../test/netns/world.ts'
import { ask, receive, startAgentProcess } from './support/child.ts'
import { type Figure, median, quantile } from './support/figure.ts'
import { report } from './support/report.ts'
import { childrenCpuMs, type Usage } from './support/usage.ts'

const RUNS = 100
/** as many as a large node has pods, and the load that a node sees when it comes back */
const [PODS, AT_ONCE] = [250, 500]
const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
const agent = await startAgentProcess()
try {
  const sandboxes = Array.from({ length: AT_ONCE }, () => makeSandbox())
  const objects: readonly JsonObject[] = [
    ...['shop', 'kube-system'].map((name) => ({ kind: 'Namespace', metadata: { name, labels: {} } })),
    ...sandboxes.slice(0, PODS).map(({ uid }) => podOf(uid)),
  ]
  const programs = { directory: tools.programs, env: tools.env }
  const options = agentOptions(folder, {
    tools: { libnftables: tools.libnftables, programs, backend: null },
    pods: { from: 'objects', objects },
  })
  agent.send(options)
  await receive(agent)

  const [first] = sandboxes
  if (first === undefined) throw new Error('no sandbox was made')
  const excluded: PluginCall = { folder, sandbox: first, annotations: DECIDED, namespace: 'kube-system' }
  const sidecar: PluginCall = { folder, sandbox: first, annotations: DECIDED }
  const alone = [
    ...(await repeated('a C program that does nothing', null, () => program('/bin/true'))),
    ...(await repeated('VERSION', '<= 3', () => program(buildPlugin()))),
    ...(await repeated('excluded ADD', '<= 4', () => add(excluded))),
    ...(await repeated(
      'sidecar ADD',
      '<= 7',
      () => add(sidecar),
      () => callPlugin({ ...sidecar, command: 'DEL' }),
    )),
    ...(await repeated('sidecar ADD, again', null, () => add(sidecar))),
  ]
  await Promise.all(sandboxes.slice(0, PODS).map((sandbox) => add({ ...sidecar, sandbox })))
  const with250 = await ask<Usage>(agent, 'usage')
  await Promise.all(sandboxes.map((sandbox) => callPlugin({ ...sidecar, sandbox, command: 'DEL' })))
  const begin = performance.now()
  const each = await Promise.all(sandboxes.map((sandbox) => add({ ...sidecar, sandbox })))
  const total = performance.now() - begin
  report([
    ...alone,
    { name: `${AT_ONCE} ADDs at once: total`, value: total, unit: 'ms', goal: null },
    { name: `${AT_ONCE} ADDs at once: median`, value: median(each), unit: 'ms', goal: null },
    { name: `${AT_ONCE} ADDs at once: p99`, value: quantile(each, 0.99), unit: 'ms', goal: null },
    { name: `memory of the agent with ${PODS} pods`, value: with250.residentMiB, unit: 'MiB', goal: '<= 100' },
    { name: `heap of the agent with ${PODS} pods`, value: with250.heapMiB, unit: 'MiB', goal: null },
  ])
} finally {
  agent.kill()
  rmSync(folder, { recursive: true })
}

/** `work` gives its wall time; its CPU time is that of the plugin, from its start to its end, and of nothing else. */
async function repeated(
  of: string,
  goal: string | null,
  work: () => Promise<number>,
  prepare?: () => Promise<unknown>,
): Promise<readonly Figure[]> {
  const times: number[] = []
  let cpu = 0
  for (let run = 0; run < RUNS; run++) {
    await prepare?.()
    const before = childrenCpuMs()
    times.push(await work())
    cpu += childrenCpuMs() - before
  }
  return [
    { name: `plugin, ${of}: CPU`, value: cpu / RUNS, unit: 'ms', goal },
    { name: `plugin, ${of}: median`, value: median(times), unit: 'ms', goal: null },
    { name: `plugin, ${of}: p99`, value: quantile(times, 0.99), unit: 'ms', goal: null },
  ]
}

async function add(call: PluginCall): Promise<number> {
  const begin = performance.now()
  const { code, stdout } = await callPlugin(call)
  if (code !== 0) throw new Error(`ADD was refused: ${stdout}`)
  return performance.now() - begin
}

async function program(path: string): Promise<number> {
  const begin = performance.now()
  const child = spawn(path, [], { env: { CNI_COMMAND: 'VERSION' }, stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${path} failed`)
  return performance.now() - begin
}

function podOf(uid: string): JsonObject {
  const env = Array.from({ length: 20 }, (_, n) => ({ name: `VARIABLE_${n}`, value: 'v'.repeat(50) }))
  return {
    kind: 'Pod',
    metadata: {
      uid,
      name: `web-${uid}`,
      namespace: 'shop',
      annotations: { ...DECIDED, 'sidecar.istio.io/status': '{}' },
    },
    spec: {
      nodeName: NODE,
      containers: [
        { name: 'web', env },
        { name: 'istio-proxy', args: ['proxy', 'sidecar'], env },
      ],
    },
  }
}
