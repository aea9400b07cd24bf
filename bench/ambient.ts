/** Ambient pods as a runtime starts them, against an agent and a ztunnel in processes of their own, and what the agent holds then. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildPlugin } from '../scripts/plugin.ts'
import { DEFAULT_ENABLEMENT } from '../src/core/settings/ambient-enablement.ts'
import { encodeIntent } from '../src/core/intent/codec.ts'
import { PLAIN_AMBIENT } from '../src/core/intent/intent.ts'
import type { AgentOptions } from '../src/app/agent/options.ts'
import type { JsonObject } from '../src/core/json/value.ts'
import { agentOptions, NODE, pluginProcess, type PluginProcess } from '../test/netns/agent/node.ts'
import { KUBELET, makeNode, type TestPod } from '../test/netns/ambient-node.ts'
import { procWithKubelet } from '../test/netns/kubelet.ts'
import { endAll, tools } from '../test/netns/world.ts'
import { Ztunnel } from '../test/netns/ztunnel.ts'
import { ask, receive, startAgentProcess } from './support/child.ts'
import { report } from './support/report.ts'
import { buildRuntime, callAll, callFigures } from './support/runtime.ts'
import type { Usage } from './support/usage.ts'

const PODS = 100
const AMBIENT = {
  'kubernetes.io/config.source': 'api',
  'sluice-mesh.io/decided': 'ambient',
  'sluice-mesh.io/intent': encodeIntent(PLAIN_AMBIENT),
} as const
/** Longer than a ztunnel takes to come back to the socket. */
const PATIENCE_MS = 60_000

const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
const agent = await startAgentProcess()
try {
  const node = await makeNode()
  const pods: TestPod[] = []
  for (let made = 0; made < PODS; made++) pods.push(await node.addPod({ asProcess: false }))
  const proc = await procWithKubelet(KUBELET.uid)
  for (const part of ['1/ns', 'sys/kernel/random']) mkdirSync(join(proc, part), { recursive: true })
  // the node's network is one of the benchmark's own
  symlinkSync(node.host.path, join(proc, '1/ns/net'))
  writeFileSync(join(proc, 'sys/kernel/random/boot_id'), 'this boot\n')
  const options = agentOptions(folder, {
    pods: {
      from: 'objects',
      objects: [{ kind: 'Namespace', metadata: { name: 'shop', labels: {} } }, ...pods.map(objectOf)],
    },
    tools: {
      libnftables: tools.libnftables,
      programs: { directory: tools.programs, env: tools.env },
      backend: null,
    },
    ambient: { enablement: DEFAULT_ENABLEMENT, dnsCapture: true, branchEni: true },
  })
  agent.send({ ...options, paths: { ...options.paths, proc } } satisfies AgentOptions)
  await receive(agent)
  new Ztunnel(options.paths.ztunnelSocket, 0, 'serve').tell({ do: 'hello' })
  buildRuntime()
  const plugin = buildPlugin()
  await untilTaken(plugin, call(pods[0]))
  const before = await ask<Usage>(agent, 'usage')
  const ends = await callAll(
    plugin,
    pods.map((pod) => call(pod)),
  )
  const after = await ask<Usage>(agent, 'usage')
  report([
    ...callFigures('plugin, ambient ADD', '<= 7', ends),
    { name: 'agent, ambient ADD: CPU', value: (after.cpuMs - before.cpuMs) / PODS, unit: 'ms', goal: null },
    { name: `memory of the agent with ${PODS} ambient pods`, value: after.residentMiB, unit: 'MiB', goal: null },
  ])
} finally {
  agent.kill()
  await endAll()
  rmSync(folder, { recursive: true })
}

/** The first one waits for its ztunnel. */
async function untilTaken(plugin: string, first: PluginProcess): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  for (;;)
    try {
      await callAll(plugin, [first])
      return
    } catch (error) {
      if (performance.now() > end) throw error
      await sleep(200)
    }
}

function call(pod: TestPod | undefined): PluginProcess {
  if (pod === undefined) throw new Error('no pod was made')
  const { uid, netns, address } = pod
  return pluginProcess({
    folder,
    sandbox: { uid, netns, containerId: `sandbox-${uid}`, address: address[4] },
    annotations: AMBIENT,
    // both families, as the status will name them: an address that the runtime did not tell makes the agent join the pod again
    config: {
      prevResult: { cniVersion: '1.1.0', ips: [{ address: `${address[4]}/24` }, { address: `${address[6]}/64` }] },
    },
  })
}

function objectOf({ uid }: TestPod): JsonObject {
  return {
    kind: 'Pod',
    metadata: {
      ...{ uid, name: `web-${uid}`, namespace: 'shop', annotations: AMBIENT },
      labels: { 'istio.io/dataplane-mode': 'ambient' },
    },
    spec: { nodeName: NODE, serviceAccountName: 'web', containers: [{ name: 'web' }] },
    // the kubelet tells the addresses only when the sandbox is made
    status: { phase: 'Pending' },
  }
}
