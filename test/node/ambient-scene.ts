import { join } from 'node:path'
import { BOX_IMAGE, SLUICE_IMAGE } from '../../scripts/cluster/node-images.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../../src/core/json/value.ts'
import { dial, kubectl, logEnd, node, ready, run, waitFor } from './cluster.ts'
import { AGENT, SLUICE } from './workloads.ts'

/** Ambient on a real node: the DaemonSet that carries the traffic, and what is to be seen of a pod. */
export const [SHOP, OUTSIDE, GATED] = ['ambient-shop', 'ambient-outside', 'ambient-gated']
export const LABEL = 'istio.io/dataplane-mode'
const ZTUNNEL = 'ztunnel'
/** what the kubelet comes from: a mesh that wants mutual TLS refuses it, and probes pass by the host's probe path alone */
const NODE_SIDE = '10.244.0.1'
const CHECKOUT = join(import.meta.dirname, '../..')

/** A ztunnel of the tests' own, in the place and with the rights of the real one: the program of this checkout, by the image's Node. */
export function ztunnelObject(): JsonObject {
  const labels = { app: ZTUNNEL, 'app.kubernetes.io/name': ZTUNNEL }
  const folders = [
    { name: 'socket', path: '/var/run/ztunnel' },
    { name: 'program', path: CHECKOUT },
  ]
  const container = {
    name: 'istio-proxy',
    image: SLUICE_IMAGE,
    imagePullPolicy: 'Never',
    command: ['/usr/bin/node', join(CHECKOUT, 'test/netns/programs/ztunnel.ts')],
    args: ['/var/run/ztunnel/ztunnel.sock', '0', 'daemon', NODE_SIDE],
    securityContext: {
      runAsUser: 0,
      runAsNonRoot: false,
      capabilities: { add: ['NET_ADMIN', 'SYS_ADMIN', 'NET_RAW'] },
    },
    volumeMounts: folders.map(({ name, path }) => ({ name, mountPath: path, readOnly: name === 'program' })),
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: ZTUNNEL, namespace: 'istio-system', labels },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels: { ...labels, [LABEL]: 'none', 'sidecar.istio.io/inject': 'false' } },
        spec: {
          containers: [container],
          tolerations: [{ operator: 'Exists' }],
          terminationGracePeriodSeconds: 1,
          volumes: folders.map(({ name, path }) => ({ name, hostPath: { path, type: 'DirectoryOrCreate' } })),
        },
      },
    },
  }
}

/** A pod whose application speaks HTTP on port 8080, where the kubelet probes it in two ways. */
export function probedPod(name: string): JsonObject {
  const [http, tcp] = [{ httpGet: { path: '/', port: 8080 } }, { tcpSocket: { port: 8080 } }]
  const app = {
    name: 'app',
    image: BOX_IMAGE,
    imagePullPolicy: 'Never',
    command: ['/box', 'serve', '0.0.0.0:8080', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\napp'],
    securityContext: { runAsUser: 1000, runAsGroup: 1000 },
    readinessProbe: { ...http, periodSeconds: 1 },
    livenessProbe: { ...tcp, periodSeconds: 1 },
  }
  return {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: { name },
    spec: { containers: [app], terminationGracePeriodSeconds: 1 },
  }
}

export interface Seen {
  readonly mark: string
  readonly decided: string
  readonly restarts: number
  /** of the condition Ready: its status and since when */
  readonly ready: string
}

export async function seen(name: string, namespace: string = SHOP): Promise<Seen> {
  const { metadata, status } = objectOr(JSON.parse(await kubectl('-n', namespace, 'get', 'pod', name, '-o', 'json')))
  const { containerStatuses, conditions } = objectOr(status)
  const annotations = objectOr(objectOr(metadata)['annotations'])
  const isReady = objectsOf(conditions).find(({ type }) => type === 'Ready')
  return {
    mark: stringOr(annotations['ambient.istio.io/redirection']) ?? '',
    decided: stringOr(annotations['sluice-mesh.io/decided']) ?? '',
    restarts: Number(objectsOf(containerStatuses)[0]?.['restartCount']),
    ready: `${stringOr(isReady?.['status']) ?? ''} ${stringOr(isReady?.['lastTransitionTime']) ?? ''}`,
  }
}

/** What the agent says of its node. */
export async function ability(): Promise<string> {
  const path = 'jsonpath={.items[*].status.conditions[?(@.type=="sluice-mesh.io/ambient")].reason}'
  return await kubectl('-n', SLUICE, 'get', 'pods', '-l', `app.kubernetes.io/name=${AGENT}`, '-o', path)
}

/** For people, where a wait was in vain. */
export async function state(): Promise<string> {
  const log = async (namespace: string, what: string): Promise<string> =>
    (await node.kubectl(['-n', namespace, 'logs', what, '--tail=25'])).stdout
  return [
    await kubectl('get', 'pods', '-A', '-o', 'wide'),
    await ability(),
    await log('istio-system', `daemonset/${ZTUNNEL}`),
    await log(SLUICE, `daemonset/${AGENT}`),
    logEnd('kubelet').slice(-800),
  ].join('\n')
}

export async function untilMarked(name: string, mark: string, namespace: string = SHOP): Promise<void> {
  await waitFor(async () => (await seen(name, namespace)).mark === mark, `${name} is marked '${mark}'`, state)
}

/** Traffic in and out of a pod: who carried it. */
export async function carried(name: string, namespace: string = SHOP): Promise<readonly string[]> {
  const [pod, peer] = [await ready(namespace, name), await ready(OUTSIDE, 'peer')]
  const answers = [await dial(OUTSIDE, 'peer', `${pod}:8080`), await dial(namespace, name, `${peer}:8080`)]
  return answers.map((answer) =>
    !answer.includes('was asked') ? answer : answer.includes(' by a proxy') ? 'ztunnel' : 'nobody',
  )
}

export async function untilCarried(name: string, by: 'ztunnel' | 'nobody', namespace: string = SHOP): Promise<void> {
  const last = async (): Promise<string> => (await carried(name, namespace)).join()
  await waitFor(
    async () => (await last()) === `${by},${by}`,
    `${by} carries the traffic of ${name}`,
    async () => `${await last()}\n${await state()}`,
  )
}

/** The runtime's name of the network namespace that has an address. */
export async function netnsOf(address: string): Promise<string> {
  for (const netns of (await run('ls', '/run/netns')).split('\n').filter((entry) => entry !== '')) {
    const { stdout } = await node.exec(['ip', '-n', netns, '-o', 'address'])
    if (stdout.includes(` ${address}/`)) return netns
  }
  throw new Error(`no namespace has ${address}`)
}

/** All rules in the namespace of a pod, with the handles by which the kernel knows them: rules made again have others. */
export async function rulesOf(name: string, namespace: string = SHOP): Promise<string> {
  const address = await kubectl('-n', namespace, 'get', 'pod', name, '-o', 'jsonpath={.status.podIP}')
  const listed = await run('ip', 'netns', 'exec', await netnsOf(address), 'nft', '-a', 'list', 'ruleset')
  return listed.replaceAll(/counter packets \d+ bytes \d+/g, 'counter')
}

/** All that ambient changes in the network of a pod: its rules, its policy routes and routes, and who listens. */
export async function networkOf(name: string, namespace: string): Promise<string> {
  const netns = await netnsOf(await ready(namespace, name))
  const commands = [
    ['ip', 'netns', 'exec', netns, 'nft', '-s', 'list', 'ruleset'],
    ...['-4', '-6'].flatMap((family) => [
      ['ip', '-n', netns, family, 'rule'],
      ['ip', '-n', netns, family, 'route', 'show', 'table', 'all'],
    ]),
    ['ss', '-N', netns, '-H', '-l', '-n', '-t', '-u'],
  ]
  const printed: string[] = []
  for (const command of commands) printed.push(await run(...command))
  return printed.join('---\n')
}

/** The addresses of a pod that the kernel does not use yet, since another may have them: RFC 4862, section 5.4. */
export async function tentativeOf(name: string, namespace: string): Promise<string> {
  return await run('ip', '-n', await netnsOf(await ready(namespace, name)), 'address', 'show', 'tentative')
}

/** The members of the host's sets: whom the kubelet's probes are translated for. */
export async function probeSet(): Promise<string> {
  return await run('nft', 'list', 'table', 'inet', 'istio-ambient-nat')
}
