/**
 * A real kube-apiserver and etcd on loopback, nothing else: admission, RBAC, watches, dry runs and the audit log. Ready in
 * seconds; several run at once; nothing of the machine is touched.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { writeCredentials } from './credentials.ts'
import { buildKubernetes } from './kubernetes.ts'

const READY_MS = 60_000
const PREFIX = 'sluice-apiserver-'

export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** One line of the API server's audit log, as far as tests read it. */
export interface AuditEvent {
  /** the same in every stage of a request */
  readonly auditID: string
  readonly verb: string
  readonly user: { readonly username: string }
  readonly objectRef?: {
    readonly resource?: string
    readonly namespace?: string
    readonly name?: string
    readonly subresource?: string
  }
  readonly responseStatus?: { readonly code?: number; readonly message?: string }
  readonly annotations?: Readonly<Record<string, string>>
}

export interface ApiServer {
  readonly directory: string
  /** of an administrator */
  readonly kubeconfig: string
  readonly url: string
  readonly ca: string
  /** Runs kubectl as the administrator; never throws for its exit code. */
  readonly kubectl: (args: readonly string[], input?: string) => Promise<CommandResult>
  readonly auditEvents: () => readonly AuditEvent[]
  /** Stops and starts the API server alone, keeping what etcd holds. */
  readonly restart: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Extra flags for the API server, for what a test has to switch on or off. */
export interface ApiServerOptions {
  readonly flags?: readonly string[]
}

/** Starts both programs and waits until the API server says that it is ready. Throws with the end of its log where it is not. */
export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const programs = await buildKubernetes(['etcd', 'kube-apiserver', 'kubectl'])
  removeLeftovers()
  const directory = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`))
  const [port, clients, peers] = await freePorts()
  const url = `https://127.0.0.1:${port}`
  await writeCredentials(directory, url)
  const children = new Map<string, ChildProcess>()
  const killAll = (): void => children.forEach((child) => child.kill('SIGKILL'))
  process.once('exit', killAll)

  const start = (name: string, args: readonly string[]): void => {
    const child = spawn(join(programs, name), args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] })
    const log = createWriteStream(join(directory, `${name}.log`), { flags: 'a' })
    child.stdout.pipe(log, { end: false })
    child.stderr.pipe(log, { end: false })
    children.set(name, child)
    writeFileSync(join(directory, `${name}.pid`), String(child.pid))
  }
  const end = async (name: string): Promise<void> => {
    const child = children.get(name)
    children.delete(name)
    if (child?.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      // politely, an open watch keeps it for up to a minute
      child.kill('SIGKILL')
      await gone
    }
  }
  const kubectl: ApiServer['kubectl'] = async (args, input) =>
    await execute(
      join(programs, 'kubectl'),
      ['--kubeconfig', join(directory, 'admin.conf'), '--cache-dir', join(directory, 'kubectl-cache'), ...args],
      input,
    )
  const startServer = async (): Promise<void> => {
    start('kube-apiserver', serverFlags(directory, port, clients, options))
    const deadline = Date.now() + READY_MS
    while ((await kubectl(['get', '--raw', '/readyz'])).code !== 0) {
      const child = children.get('kube-apiserver')
      if (Date.now() > deadline || (child !== undefined && child.exitCode !== null))
        throw new Error(
          `kube-apiserver does not get ready: ${readFileSync(join(directory, 'kube-apiserver.log'), 'utf8').slice(-800)}`,
        )
      await wait(100)
    }
  }
  const stop = async (): Promise<void> => {
    process.off('exit', killAll)
    await end('kube-apiserver')
    await end('etcd')
    rmSync(directory, { recursive: true, force: true })
  }

  try {
    start('etcd', etcdFlags(directory, clients, peers))
    await startServer()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    directory,
    kubeconfig: join(directory, 'admin.conf'),
    url,
    ca: readFileSync(join(directory, 'ca.crt'), 'utf8'),
    kubectl,
    auditEvents: () => readAudit(join(directory, 'audit.log')),
    restart: async () => {
      await end('kube-apiserver')
      await startServer()
    },
    stop,
  }
}

function etcdFlags(directory: string, clients: number, peers: number): readonly string[] {
  const client = `http://127.0.0.1:${clients}`
  const peer = `http://127.0.0.1:${peers}`
  return [
    ...['--name', 't', '--data-dir', join(directory, 'etcd')],
    // the data of a test need not survive a power cut
    '--unsafe-no-fsync',
    // as kubeadm sets it: without it a quiet watch gets no bookmarks
    ...['--watch-progress-notify-interval', '5s'],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `t=${peer}`],
  ]
}

function serverFlags(directory: string, port: number, etcd: number, options: ApiServerOptions): readonly string[] {
  const file = (name: string): string => join(directory, name)
  return [
    ...['--etcd-servers', `http://127.0.0.1:${etcd}`],
    // a loopback address may not be an endpoint
    ...[
      '--bind-address',
      '127.0.0.1',
      '--advertise-address',
      '127.0.0.1',
      '--endpoint-reconciler-type',
      'none',
      '--secure-port',
      String(port),
    ],
    ...[
      '--tls-cert-file',
      file('server.crt'),
      '--tls-private-key-file',
      file('server.key'),
      '--client-ca-file',
      file('ca.crt'),
    ],
    ...['--service-account-issuer', 'https://kubernetes.default.svc'],
    ...['--service-account-key-file', file('sa.pub'), '--service-account-signing-key-file', file('sa.key')],
    ...['--service-cluster-ip-range', '10.96.0.0/16', '--authorization-mode', 'Node,RBAC', '--allow-privileged=true'],
    ...['--enable-admission-plugins', 'NodeRestriction'],
    // blocking: the line is there when the request returns
    ...[
      '--audit-policy-file',
      join(import.meta.dirname, 'audit-policy.yaml'),
      '--audit-log-path',
      file('audit.log'),
      '--audit-log-mode',
      'blocking',
    ],
    ...(options.flags ?? []),
  ]
}

function readAudit(path: string): readonly AuditEvent[] {
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as AuditEvent)
}

/** What a killed run left: its processes, if they still are its own, and its folder. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const owner = Number(name.slice(PREFIX.length).split('-')[0])
    if (isAlive(owner)) continue
    const directory = join(tmpdir(), name)
    for (const file of readdirSync(directory).filter((entry) => entry.endsWith('.pid'))) {
      const pid = Number(readFileSync(join(directory, file), 'utf8'))
      if (commandLine(pid).includes(directory)) process.kill(pid, 'SIGKILL')
    }
    rmSync(directory, { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The command line of a process, empty where it is gone. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

async function freePorts(): Promise<readonly [number, number, number]> {
  const servers = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map(async (server) => await new Promise((resolve) => server.close(resolve))))
  return ports as unknown as readonly [number, number, number]
}

/** Runs a program to its end; gives what it printed and its exit code. */
export async function execute(program: string, args: readonly string[], input = ''): Promise<CommandResult> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdin.on('error', () => undefined).end(input)
  return await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }))
  })
}

/** Makes a namespace as the controller manager would leave it: with its default service account. */
export async function createNamespace(
  server: ApiServer,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<void> {
  const objects = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } },
  ]
  const made = await server.kubectl(
    ['apply', '-f', '-'],
    objects.map((object) => JSON.stringify(object)).join('\n---\n'),
  )
  if (made.code !== 0) throw new Error(`namespace ${name}: ${made.stderr}`)
}
