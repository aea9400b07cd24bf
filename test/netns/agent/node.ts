import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after } from 'node:test'
import { type Agent, startAgent } from '../../../src/app/agent/start.ts'
import type { AgentOptions } from '../../../src/app/agent/options.ts'
import { encodeIntent } from '../../../src/core/intent/codec.ts'
import { BARE_SIDECAR, type SidecarIntent } from '../../../src/core/intent/intent.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { buildPlugin } from '../../../scripts/plugin.ts'
import { end, ip, makeNetns, type TestNetns, tools } from '../world.ts'

/** A node of a test: an agent in a folder of its own, the real plugin, and sandboxes as a runtime makes them. */
const plugin = buildPlugin()

export const NODE = 'node-1'
export const INTENT: SidecarIntent = { ...BARE_SIDECAR, inboundPorts: '*', outboundCidrs: '*', dns: 'all' }
export const DECIDED = {
  'kubernetes.io/config.source': 'api',
  'sluice-mesh.io/decided': 'cni',
  'sluice-mesh.io/intent': encodeIntent(INTENT),
} as const
export const PLAIN = { 'kubernetes.io/config.source': 'api' } as const

/** A folder that is gone after the tests of this file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-node-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Everything that an agent in `folder` depends on. */
export function agentOptions(folder: string, more: Partial<AgentOptions> = {}): AgentOptions {
  const somewhere = { host: '127.0.0.1', port: 0 }
  return {
    nodeName: NODE,
    self: null,
    paths: {
      cniBinDir: join(folder, 'bin'),
      cniConfDir: join(folder, 'net.d'),
      runDir: join(folder, 'run'),
      pluginSocket: join(folder, 'run/cni.sock'),
      ztunnelSocket: join(folder, 'run/ztunnel.sock'),
      proc: '/proc',
      netnsDir: '/run/netns',
    },
    pods: { from: 'objects', objects: [] },
    tools: {
      libnftables: null,
      programs: { directory: tools.programs, env: tools.env },
      backend: null,
    },
    install: { source: plugin, placement: { is: 'chained', file: undefined }, nodeNames: [] },
    excludedNamespaces: ['kube-system'],
    ambient: null,
    sweepMs: 600_000,
    health: somewhere,
    metrics: somewhere,
    log: { level: 'silent' },
    ...more,
  }
}

/** An agent in this process; it is closed after the tests of this file at the latest. */
export async function startTestAgent(options: AgentOptions): Promise<Agent> {
  const agent = await startAgent(options)
  after(async () => await agent.close())
  return agent
}

/** A sandbox: a namespace with an address of its own. */
export interface TestSandbox {
  readonly netns: TestNetns
  readonly containerId: string
  readonly uid: string
  readonly address: string
}

let sandboxes = 0

/** Makes the network of one pod, as the plugin before Sluice's leaves it. */
export function makeSandbox(): TestSandbox {
  const number = ++sandboxes
  const netns = makeNetns(`pod${number}`)
  const address = `10.9.${number >> 8}.${number & 255}`
  ip('-n', netns.name, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'peer0')
  ip('-n', netns.name, 'address', 'add', `${address}/24`, 'dev', 'eth0')
  for (const device of ['eth0', 'peer0']) ip('-n', netns.name, 'link', 'set', device, 'up')
  return { netns, containerId: `sandbox-${process.pid}-${number}`, uid: `uid-${process.pid}-${number}`, address }
}

/** How the runtime calls the plugin. */
export interface PluginCall {
  readonly command?: 'ADD' | 'CHECK' | 'DEL' | 'GC'
  readonly folder: string
  readonly sandbox: TestSandbox
  /** null: the runtime passes none */
  readonly annotations: Readonly<Record<string, string>> | null
  readonly namespace?: string
  /** CNI_NETNS, where it is not that of the sandbox */
  readonly path?: string
  /** more of the configuration */
  readonly config?: JsonObject
}

/** What the plugin printed, and how it ended. */
export interface PluginEnd {
  readonly code: number | null
  readonly stdout: string
  /** the error of CNI, where it printed one */
  readonly error: { readonly code: number; readonly msg: string; readonly details?: string } | null
}

/** The environment and the standard input of the plugin's process. */
export interface PluginProcess {
  readonly env: Readonly<Record<string, string>>
  readonly stdin: string
}

/** How the runtime starts the plugin for `call`. */
export function pluginProcess(call: PluginCall): PluginProcess {
  const { command = 'ADD', sandbox, namespace = 'shop' } = call
  const { containerId, uid } = sandbox
  const args = `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=web-0;K8S_POD_INFRA_CONTAINER_ID=${containerId};K8S_POD_UID=${uid}`
  const env = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: containerId,
    CNI_NETNS: call.path ?? sandbox.netns.path,
    CNI_IFNAME: 'eth0',
    CNI_PATH: '/opt/cni/bin',
    CNI_ARGS: args,
  }
  return { env, stdin: JSON.stringify(configOf(call)) }
}

export function spawnPlugin(call: PluginCall): ChildProcess {
  const { env, stdin } = pluginProcess(call)
  const child = spawn(plugin, [], { env, stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(stdin)
  return child
}

function configOf({ folder, sandbox, annotations, config }: PluginCall): JsonObject {
  return {
    ...{ cniVersion: '1.1.0', name: 'node', type: 'sluice-cni', socket: join(folder, 'run/cni.sock') },
    excludeNamespaces: ['kube-system'],
    runtimeConfig: annotations === null ? {} : { 'io.kubernetes.cri.pod-annotations': annotations },
    prevResult: { cniVersion: '1.1.0', ips: [{ address: `${sandbox.address}/24` }] },
    ...config,
  }
}

/** Runs the plugin to its end. */
export async function callPlugin(call: PluginCall): Promise<PluginEnd> {
  const child = spawnPlugin(call)
  let stdout = ''
  child.stdout?.on('data', (part: Buffer) => (stdout += part.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, error: code === 0 ? null : (JSON.parse(stdout) as PluginEnd['error']) }
}

/** The rules of a sandbox, as nft lists them without their counters. */
export function rulesIn({ netns }: TestSandbox): string {
  const args = ['netns', 'exec', netns.name, `${tools.programs}nft`, '-s', 'list', 'ruleset']
  return spawnSync('ip', args, { encoding: 'utf8', env: tools.env }).stdout
}

/** The agent as a process of its own, which can be killed; resolves when it listens. */
export async function startAgentProcess(place: string): Promise<ChildProcess> {
  const args = [
    ...['src/main.ts', 'agent', '--node-name', NODE, '--objects', 'examples/cluster.yaml', '--netns-dir', '/run/netns'],
    ...['--cni-bin-dir', join(place, 'bin'), '--cni-conf-dir', join(place, 'net.d'), '--run-dir', join(place, 'run')],
    ...['--plugin-socket', join(place, 'run/cni.sock'), '--ztunnel-socket', join(place, 'ztunnel.sock')],
    ...['--libnftables', tools.libnftables, '--programs-dir', tools.programs],
    ...['--health-listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0'],
  ]
  const child = spawn(process.execPath, args, { env: tools.env, stdio: ['ignore', 'pipe', 'inherit'] })
  after(async () => await end(child))
  await new Promise<void>((resolve, reject) => {
    // a listener that stays: lines that come together are told together
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('"working"')) resolve()
    })
    child.once('exit', (code) => reject(new Error(`the agent ended with ${code} before it worked`)))
  })
  return child
}
