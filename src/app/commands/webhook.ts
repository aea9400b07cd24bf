import { hostname } from 'node:os'
import type { Certificates, FactsFrom } from '../webhook/options.ts'
import { startWebhook } from '../webhook/start.ts'
import { CLUSTER_FLAGS, connect } from './cluster.ts'
import { type Command, type CommandIo, type FlagRow, type FlagValues, UsageError } from './command.ts'
import { CERTIFICATE_FLAGS, certificateNames } from './certificates.ts'
import { INSTALLATION_FLAGS, installationOf } from './installation.ts'
import { OBJECTS_FLAG, readObjects } from './objects-file.ts'
import { endpoint, LOG_LEVEL_FLAG, logLevel, seconds, starting, stopped } from './server.ts'

/** The flags that say who the server is and whom it serves. */
const FLAGS: readonly FlagRow[] = [
  ...CLUSTER_FLAGS,
  { ...OBJECTS_FLAG, help: `no cluster: ${OBJECTS_FLAG.help}` },
  {
    name: 'listen',
    value: 'ADDRESS',
    default: '0.0.0.0:15017',
    help: 'where HTTPS is served, host:port; port 0 takes a free one',
  },
  { name: 'metrics-listen', value: 'ADDRESS', default: '0.0.0.0:15014', help: 'where /metrics is served over HTTP' },
  ...INSTALLATION_FLAGS,
  {
    name: 'agent-namespace',
    value: 'NAME',
    default: '',
    help: "where the agent's DaemonSet is; --sluice-namespace if empty",
  },
  {
    name: 'leader',
    value: null,
    help: 'may this replica lead? The leader writes node labels and taints, caBundle, and evicts what agents ask for',
  },
  {
    name: 'pod-name',
    value: 'NAME',
    help: 'how the replica is called in leases and events; the name of the host if not given',
  },
  ...CERTIFICATE_FLAGS,
  {
    name: 'ca-secret',
    value: 'NAME',
    help: 'the Secret of --sluice-namespace that keeps the self-made CA and certificate in the place of --certs-dir: all replicas share it',
  },
  {
    name: 'tls-cert-file',
    value: 'FILE',
    help: 'a certificate that somebody else keeps fresh (PEM); with --tls-key-file',
  },
  { name: 'tls-key-file', value: 'FILE', help: 'its key (PEM)' },
  {
    name: 'drain-seconds',
    value: 'SECONDS',
    default: '5',
    help: 'how long requests are still taken after a stop was asked for',
  },
  LOG_LEVEL_FLAG,
]

export const webhookCommand: Command = {
  name: 'webhook',
  positional: null,
  flags: FLAGS,
  examples: [
    'sluice webhook --kubeconfig ~/.kube/config',
    'sluice webhook --objects examples --listen 127.0.0.1:8443 --metrics-listen 127.0.0.1:0',
  ],
  run: async (flags, _positional, io) => {
    const facts = await factsOf(flags, io)
    const webhook = await startWebhook({
      facts,
      certificates: certificatesOf(flags, facts),
      listen: endpoint(flags, 'listen'),
      metrics: endpoint(flags, 'metrics-listen'),
      installation: installationOf(flags),
      log: { level: logLevel(flags) },
      limits: { drainMs: seconds(flags, 'drain-seconds') * 1000 },
    }).catch((error: unknown) => {
      throw starting('webhook', error)
    })
    await stopped(io.stop)
    await webhook.close()
    return 'ok'
  },
}

async function factsOf(flags: FlagValues, io: CommandIo): Promise<FactsFrom> {
  const path = flags['objects']
  if (path === undefined) {
    const leader = { leads: flags['leader'] === 'true', name: flags['pod-name'] ?? hostname() }
    return { from: 'cluster', connection: await connect(flags, io), leader }
  }
  return { from: 'objects', objects: await readObjects(path, io) }
}

function certificatesOf(flags: FlagValues, facts: FactsFrom): Certificates {
  const { 'tls-cert-file': certFile, 'tls-key-file': keyFile, 'ca-secret': secret } = flags
  if (secret !== undefined && (certFile ?? keyFile) !== undefined)
    throw new UsageError(
      '--ca-secret and --tls-cert-file exclude each other: either Sluice makes the certificate or somebody else does',
    )
  if (certFile !== undefined && keyFile !== undefined) return { from: 'files', certFile, keyFile }
  if (certFile !== undefined || keyFile !== undefined)
    throw new UsageError('--tls-cert-file and --tls-key-file go together')
  const names = certificateNames(flags)
  if (secret !== undefined) {
    if (facts.from !== 'cluster')
      throw new UsageError('--ca-secret needs a cluster, and --objects says that there is none')
    const namespace = flags['sluice-namespace'] ?? ''
    return { from: 'secret', connection: facts.connection, secret: { namespace, name: secret }, names }
  }
  return { from: 'self-made', directory: flags['certs-dir'] ?? 'certs', names }
}
