/**
 * The CNI plugin as a runtime starts it, whole process, against an agent in a process of its own; then many pods at once, and what
 * the agent holds for them.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonObject } from '../src/core/json/value.ts'
import { buildPlugin } from '../scripts/plugin.ts'
import {
  agentOptions,
  DECIDED,
  makeSandbox,
  NODE,
  PLAIN,
  pluginProcess,
  type PluginProcess,
  type TestSandbox,
} from '../test/netns/agent/node.ts'
import { tools } from '../test/netns/world.ts'
import { ask, receive, startAgentProcess } from './support/child.ts'
import { report } from './support/report.ts'
import { buildRuntime, callAll, callFigures } from './support/runtime.ts'
import type { Usage } from './support/usage.ts'

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

  buildRuntime()
  const plugin = buildPlugin()
  const sidecar = (sandbox: TestSandbox, command: 'ADD' | 'DEL' = 'ADD', namespace = 'shop'): PluginProcess =>
    pluginProcess({ folder, sandbox, annotations: DECIDED, command, namespace })
  const few = sandboxes.slice(0, RUNS)
  const version: PluginProcess = { env: { CNI_COMMAND: 'VERSION' }, stdin: '' }
  const excluded = (sandbox: TestSandbox): PluginProcess =>
    pluginProcess({ folder, sandbox, annotations: PLAIN, namespace: 'kube-system' })
  const alone = [
    ...callFigures(
      'plugin, a C program that does nothing',
      null,
      await callAll(
        '/bin/true',
        few.map(() => version),
      ),
    ),
    ...callFigures(
      'plugin, VERSION',
      '<= 3',
      await callAll(
        plugin,
        few.map(() => version),
      ),
    ),
    ...callFigures('plugin, excluded ADD', '<= 4', await callAll(plugin, few.map(excluded))),
    ...callFigures(
      'plugin, sidecar ADD',
      '<= 7',
      await callAll(
        plugin,
        few.map((each) => sidecar(each)),
      ),
    ),
    ...callFigures(
      'plugin, sidecar ADD, again',
      null,
      await callAll(
        plugin,
        few.map((each) => sidecar(each)),
      ),
    ),
  ]
  await callAll(
    plugin,
    sandboxes.slice(0, PODS).map((each) => sidecar(each)),
  )
  const with250 = await ask<Usage>(agent, 'usage')
  await callAll(
    plugin,
    sandboxes.map((each) => sidecar(each, 'DEL')),
  )
  const before = await ask<Usage>(agent, 'usage')
  const begin = performance.now()
  const each = await callAll(
    plugin,
    sandboxes.map((one) => sidecar(one)),
    'at once',
  )
  const total = performance.now() - begin
  const after = await ask<Usage>(agent, 'usage')
  report([
    ...alone,
    { name: `${AT_ONCE} ADDs at once: total`, value: total, unit: 'ms', goal: null },
    ...callFigures(`${AT_ONCE} ADDs at once`, null, each),
    { name: 'agent, sidecar ADD: CPU', value: (after.cpuMs - before.cpuMs) / AT_ONCE, unit: 'ms', goal: null },
    { name: `memory of the agent with ${PODS} pods`, value: with250.residentMiB, unit: 'MiB', goal: '<= 100' },
    { name: `heap of the agent with ${PODS} pods`, value: with250.heapMiB, unit: 'MiB', goal: null },
  ])
} finally {
  agent.kill()
  rmSync(folder, { recursive: true })
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
