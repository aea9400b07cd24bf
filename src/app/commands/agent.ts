import { existsSync } from 'node:fs'
import { excludedNamespaces } from '../../core/conflist/entry.ts'
import { BACKENDS } from '../../edge/host/apply.ts'
import { messageOf } from '../../edge/message-of.ts'
import { DEFAULT_ENABLEMENT } from '../../core/settings/ambient-enablement.ts'
import { SettingsError } from '../../core/settings/settings-error.ts'
import type { AgentOptions, AmbientOptions, PodsFrom } from '../agent/options.ts'
import { startAgent } from '../agent/start.ts'
import { CLUSTER_FLAGS, connect } from './cluster.ts'
import { type Command, type CommandIo, type FlagRow, type FlagValues, UsageError } from './command.ts'
import { INSTALL_FLAGS, installPlaces } from './install-places.ts'
import { OBJECTS_FLAG, readObjects } from './objects-file.ts'
import { endpoint, seconds, LOG_LEVEL_FLAG, logLevel, starting, stopped } from './server.ts'

const FLAGS: readonly FlagRow[] = [
  ...CLUSTER_FLAGS,
  { ...OBJECTS_FLAG, help: `no cluster: ${OBJECTS_FLAG.help}` },
  { name: 'node-name', value: 'NAME', help: 'the node whose pods are served' },
  {
    name: 'pod-name',
    value: 'NAME',
    help: "the agent's own pod, which says in its status whether the node can do ambient",
  },
  { name: 'pod-namespace', value: 'NAME', default: 'sluice-system', help: 'its namespace' },
  ...INSTALL_FLAGS,
  { name: 'run-dir', value: 'DIR', default: '/var/run/sluice', help: "the agent's journal, gone after a reboot" },
  {
    name: 'plugin-socket',
    value: 'FILE',
    default: '/var/run/sluice/cni.sock',
    help: 'where the plugin reaches the agent',
  },
  {
    name: 'ztunnel-socket',
    value: 'FILE',
    default: '/var/run/ztunnel/ztunnel.sock',
    help: 'where ztunnel reaches the agent',
  },
  {
    name: 'exclude-namespaces',
    value: 'NAMES',
    default: 'kube-system',
    help: 'namespaces whose pods are left alone, by commas',
  },
  {
    name: 'backend',
    value: 'NAME',
    choices: ['auto', ...BACKENDS],
    default: 'auto',
    help: 'how rules are made; auto takes the first that can do everything and whose rules traffic follows',
  },
  { name: 'libnftables', value: 'FILE', default: 'libnftables.so.1', help: 'the library, by path or by name' },
  {
    name: 'programs-dir',
    value: 'DIR',
    default: '/usr/sbin',
    help: 'where nft, iptables-nft-restore and the like are',
  },
  {
    name: 'ambient',
    value: 'BOOLEAN',
    choices: ['true', 'false'],
    default: 'false',
    help: 'bring pods into ambient, for which a ztunnel runs on the node',
  },
  {
    name: 'ambient-enablement',
    value: 'YAML',
    help: "who is for ambient: a list of {podSelector, namespaceSelector}, as Istio's AMBIENT_ENABLEMENT_SELECTOR; its chart's where absent",
  },
  {
    name: 'ambient-dns',
    value: 'BOOLEAN',
    choices: ['true', 'false'],
    default: 'true',
    help: 'capture the DNS of ambient pods that do not say otherwise; ztunnel must serve it then',
  },
  {
    name: 'ambient-aws-branch-eni',
    value: 'BOOLEAN',
    choices: ['true', 'false'],
    default: 'true',
    help: "make ip rules for the probes of ambient pods with a branch interface in AWS, where the host's net.ipv4.tcp_early_demux is 0",
  },
  {
    name: 'sweep-seconds',
    value: 'SECONDS',
    default: '300',
    help: 'how often every pod that should be redirected is measured, beside the times when something happens to it',
  },
  { name: 'health-listen', value: 'ADDRESS', default: '0.0.0.0:8000', help: 'where /healthz and /readyz are served' },
  { name: 'metrics-listen', value: 'ADDRESS', default: '0.0.0.0:15014', help: 'where /metrics is served' },
  LOG_LEVEL_FLAG,
]

export const agentCommand: Command = {
  name: 'agent',
  positional: null,
  flags: FLAGS,
  examples: [
    'sluice agent --node-name "$NODE_NAME" --proc /host/proc',
    'sluice agent --node-name node-1 --objects pods.yaml --run-dir /tmp/run --plugin-socket /tmp/run/cni.sock --health-listen 127.0.0.1:0',
  ],
  run: async (flags, _positional, io) => {
    const agent = await startAgent(await optionsOf(flags, io)).catch((error: unknown) => {
      throw starting('agent', error)
    })
    await stopped(io.stop)
    await agent.close()
    return 'ok'
  },
}

async function optionsOf(flags: FlagValues, io: CommandIo): Promise<AgentOptions> {
  const text = (name: string): string => flags[name] ?? ''
  if (text('node-name') === '') throw new UsageError('agent needs --node-name: the node whose pods are served')
  if (!/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(text('node-name')))
    throw new UsageError(`--node-name is '${text('node-name')}', which is no name of a node`)
  const places = installPlaces(flags, existsSync)
  return {
    nodeName: text('node-name'),
    self: flags['pod-name'] === undefined ? null : { namespace: text('pod-namespace'), name: flags['pod-name'] },
    paths: {
      cniBinDir: places.binDir,
      cniConfDir: places.confDir,
      runDir: text('run-dir'),
      pluginSocket: text('plugin-socket'),
      ztunnelSocket: text('ztunnel-socket'),
      proc: text('proc'),
      netnsDir: places.netnsDir,
    },
    pods: await podsFrom(flags, io),
    tools: {
      libnftables: text('libnftables'),
      programs: { directory: `${text('programs-dir').replace(/\/$/, '')}/`, env: programEnvironment(io) },
      backend: BACKENDS.find((backend) => backend === flags['backend']) ?? null,
    },
    install: { source: places.source, placement: places.placement, nodeNames: places.nodeNames },
    excludedNamespaces: namespaces(text('exclude-namespaces')),
    ambient: flags['ambient'] === 'true' ? await ambientOf(flags) : null,
    sweepMs: seconds(flags, 'sweep-seconds') * 1000,
    health: endpoint(flags, 'health-listen'),
    metrics: endpoint(flags, 'metrics-listen'),
    log: { level: logLevel(flags) },
  }
}

async function ambientOf(flags: FlagValues): Promise<AmbientOptions> {
  const text = flags['ambient-enablement']
  const rest = {
    dnsCapture: flags['ambient-dns'] === 'true',
    branchEni: flags['ambient-aws-branch-eni'] === 'true',
  }
  if (text === undefined) return { enablement: DEFAULT_ENABLEMENT, ...rest }
  // YAML takes megabytes of an agent that has none to read
  const { parseEnablement } = await import('../../core/settings/enablement-text.ts')
  try {
    return { enablement: parseEnablement(text), ...rest }
  } catch (error) {
    if (error instanceof SettingsError) throw new UsageError(`--ambient-enablement: ${error.message}`)
    throw error
  }
}

function namespaces(text: string): readonly string[] {
  try {
    return excludedNamespaces(text)
  } catch (error) {
    throw new UsageError(`--exclude-namespaces: ${messageOf(error)}`)
  }
}

async function podsFrom(flags: FlagValues, io: CommandIo): Promise<PodsFrom> {
  const path = flags['objects']
  if (path === undefined) return { from: 'cluster', connection: await connect(flags, io) }
  return { from: 'objects', objects: await readObjects(path, io) }
}

/** Programs get what they need to find their libraries, and nothing else. */
function programEnvironment({ env }: CommandIo): Readonly<Record<string, string>> {
  const kept = ['PATH', 'LD_LIBRARY_PATH', 'XTABLES_LIBDIR'].map((name) => [name, env[name]] as const)
  return Object.fromEntries(kept.filter((entry): entry is [string, string] => entry[1] !== undefined))
}
