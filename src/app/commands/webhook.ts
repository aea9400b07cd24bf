import { LOG_LEVELS } from '../../edge/telemetry/logger.ts'
import { CertificateError } from '../../edge/tls/certificate.ts'
import type { Certificates, Endpoint, FactsFrom } from '../webhook/options.ts'
import { startWebhook } from '../webhook/start.ts'
import { CLUSTER_FLAGS, connect } from './cluster.ts'
import { type Command, CommandFailure, type CommandIo, type FlagRow, type FlagValues, UsageError } from './command.ts'
import { CERTIFICATE_FLAGS, certificateNames } from './certificates.ts'
import { reasonOf } from './input.ts'
import { OBJECTS_FLAG, readObjects } from './objects-file.ts'

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
  { name: 'revision', value: 'NAME', default: 'default', help: 'the revision of the control plane that is served' },
  { name: 'istio-namespace', value: 'NAME', default: 'istio-system', help: "where istiod's ConfigMaps are" },
  { name: 'sluice-namespace', value: 'NAME', default: 'sluice-system', help: "where Sluice's policy is" },
  { name: 'platform', value: 'NAME', default: '', help: "istiod's PLATFORM: openshift, or nothing" },
  {
    name: 'native-sidecars',
    value: 'SETTING',
    choices: ['auto', 'true', 'false'],
    default: 'auto',
    help: "istiod's ENABLE_NATIVE_SIDECARS",
  },
  { name: 'compliance-policy', value: 'NAME', default: '', help: "istiod's COMPLIANCE_POLICY, for example fips-140-3" },
  ...CERTIFICATE_FLAGS,
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
  {
    name: 'log-level',
    value: 'LEVEL',
    choices: LOG_LEVELS,
    default: 'info',
    help: 'the least important lines that are written',
  },
]

export const webhookCommand: Command = {
  name: 'webhook',
  summary: 'serves the mutating admission webhook over HTTPS',
  positional: null,
  flags: FLAGS,
  examples: [
    'sluice webhook --kubeconfig ~/.kube/config',
    'sluice webhook --objects examples --listen 127.0.0.1:8443 --metrics-listen 127.0.0.1:0',
  ],
  run: async (flags, _positional, io) => {
    const webhook = await startWebhook({
      facts: await factsOf(flags, io),
      certificates: certificatesOf(flags),
      listen: endpoint(flags, 'listen'),
      metrics: endpoint(flags, 'metrics-listen'),
      installation: {
        revision: flags['revision'] ?? '',
        istioNamespace: flags['istio-namespace'] ?? '',
        sluiceNamespace: flags['sluice-namespace'] ?? '',
        platform: flags['platform'] ?? '',
        nativeSidecars: flags['native-sidecars'] ?? 'auto',
        compliancePolicy: flags['compliance-policy'] ?? '',
      },
      log: { level: LOG_LEVELS.find((level) => level === flags['log-level']) ?? 'info' },
      limits: { drainMs: seconds(flags, 'drain-seconds') * 1000 },
    }).catch((error: unknown) => {
      throw starting(error)
    })
    await stopped(io.stop)
    await webhook.close()
    return 'ok'
  },
}

async function factsOf(flags: FlagValues, io: CommandIo): Promise<FactsFrom> {
  const path = flags['objects']
  if (path === undefined) return { from: 'cluster', connection: await connect(flags, io) }
  return { from: 'objects', objects: await readObjects(path, io) }
}

function certificatesOf(flags: FlagValues): Certificates {
  const { 'tls-cert-file': certFile, 'tls-key-file': keyFile } = flags
  if (certFile !== undefined && keyFile !== undefined) return { from: 'files', certFile, keyFile }
  if (certFile !== undefined || keyFile !== undefined)
    throw new UsageError('--tls-cert-file and --tls-key-file go together')
  return { from: 'self-made', directory: flags['certs-dir'] ?? 'certs', names: certificateNames(flags) }
}

/** `host:port`, IPv6 in brackets. */
function endpoint(flags: FlagValues, name: string): Endpoint {
  const text = flags[name] ?? ''
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:\s]*)):(\d{1,5})$/i.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535)
    throw new UsageError(`--${name} is '${text}'; it must be host:port, for example 127.0.0.1:8443`)
  return { host: match[1] ?? match[2] ?? '', port }
}

function seconds(flags: FlagValues, name: string): number {
  const text = flags[name] ?? ''
  if (!/^\d{1,4}(\.\d+)?$/.test(text)) throw new UsageError(`--${name} is '${text}'; it must be a number of seconds`)
  return Number(text)
}

/** What people can mend (a taken port, an unreadable certificate) is a sentence; the rest is a bug and keeps its stack. */
function starting(error: unknown): unknown {
  if (error instanceof CertificateError) return new CommandFailure(error.message, { cause: error })
  if (error instanceof Error && 'code' in error && typeof error.code === 'string')
    return new CommandFailure(`the webhook cannot start: ${reasonOf(error)} (${error.message})`, { cause: error })
  return error
}

async function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}
