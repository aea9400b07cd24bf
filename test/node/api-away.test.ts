import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { askedFromNow, killApiServer } from './api-server.ts'
import { apply, inNamespace, kubectl, makeNamespace, node, ready, run, waitFor } from './cluster.ts'
import { gauge, dialInside, get, killSandbox, remembered, runningContainer, SANDBOX } from './containers.ts'
import { NODE_DIRECTORY } from './place.ts'
import * as webhook from './webhook.ts'
import { AGENT, changedAgent, istioPod, meshPod, SLUICE } from './workloads.ts'

/** What a node does while nobody hears the API server: rows of docs/faults.md. `SLUICE_OUTAGE_SECONDS=640` is the long form. */
const OUTAGE_S = Number(process.env['SLUICE_OUTAGE_SECONDS'] ?? 60)
/** longer than which the agent may not be unable; the outage is longer still */
const GRACE = OUTAGE_S > 600 ? '10m' : '30s'
/** between two rounds of sandboxes that end: the kubelet waits twice as long after each, which is not what is tried */
const ROUND_MS = 200_000
const SHOP = 'away'
/** where the webhook decides */
const MESH = 'away-mesh'
const RELAY_PORT = '6444'
const RELAY_PID = join(NODE_DIRECTORY, 'relay.pid')
const EVERYWHERE = '203.0.113.5:80'
const REDIRECTED = `outbound was asked for ${EVERYWHERE}`

/** By way of the relay. */
const RELAYED = { env: { KUBERNETES_SERVICE_HOST: webhook.ADDRESS, KUBERNETES_SERVICE_PORT: RELAY_PORT } }

let stopWebhook = (): Promise<void> => Promise.resolve()
let relaying: Promise<unknown> = Promise.resolve()
before(async () => {
  const relay = [process.execPath, join(import.meta.dirname, 'programs/relay.ts'), webhook.ADDRESS, RELAY_PORT, '6443']
  relaying = node.exec(['sh', '-c', 'echo $$ >"$1"; shift; exec "$@"', 'sh', RELAY_PID, ...relay])
  await makeNamespace('istio-system')
  await makeNamespace(MESH, { 'istio-injection': 'enabled' })
  await makeNamespace(SHOP)
  await apply(...changedAgent(RELAYED))
  await kubectl('-n', SLUICE, 'rollout', 'status', `daemonset/${AGENT}`, '--timeout=120s')
  await webhook.grace(GRACE)
  stopWebhook = await webhook.startWebhook()
  await webhook.untilMarked(MESH, webhook.READY)
})
after(async () => {
  await stopWebhook()
  await node.exec(['sh', '-c', 'kill "$(cat "$1")"', 'sh', RELAY_PID])
  await relaying
  await kubectl('delete', 'namespace', SHOP, MESH, '--wait=false')
  await apply(...changedAgent({}))
})

const proved = async (verdict: string): Promise<number> => await gauge(`sluice_proofs{mode="cni",verdict="${verdict}"}`)
const factsAge = async (): Promise<number> => await gauge('sluice_facts_age_seconds')
const ofWebhook = async (name: string): Promise<number> =>
  await gauge(name, `http://127.0.0.1:${webhook.METRICS_PORT}/metrics`)
const agentState = async (): Promise<string> => await get('http://127.0.0.1:15014/metrics')

/** What the agent says of a pod in the API: status, reason and since when. */
async function proof(pod: string): Promise<string> {
  const path =
    '{range .status.conditions[?(@.type=="sluice-mesh.io/redirected")]}{.status} {.reason} {.lastTransitionTime}{end}'
  return await kubectl('-n', SHOP, 'get', 'pod', pod, '-o', `jsonpath=${path}`)
}

async function untilProved(pod: string): Promise<void> {
  const state = async (): Promise<string> =>
    `${await proof(pod)}\n${await kubectl('-n', SHOP, 'describe', 'pod', pod)}\n${await agentState()}`
  await waitFor(async () => (await proof(pod)).startsWith('True'), `${pod} is proved`, state)
}

test('a watch that goes silent is noticed, and no pod that came or went meanwhile is lost', async () => {
  await apply(...inNamespace(SHOP, meshPod('steady'), meshPod('gone')))
  for (const pod of ['steady', 'gone']) await untilProved(pod)
  const before = await proved('redirected')
  await run('sh', '-c', 'kill -USR2 "$(cat "$1")"', 'sh', RELAY_PID)
  await kubectl('-n', SHOP, 'delete', 'pod', 'gone')
  await apply(...inNamespace(SHOP, meshPod('decided'), istioPod('istio')))
  // what the webhook wrote on a pod is enough; what only its spec says is waited for, and refused until it is known
  await ready(SHOP, 'decided')
  const events = [
    'get',
    'events',
    '--field-selector',
    'involvedObject.name=istio',
    '-o',
    'jsonpath={.items[*].message}',
  ]
  await waitFor(async () => (await kubectl('-n', SHOP, ...events)).includes('pod_not_known_yet'), 'istio is refused')
  await waitFor(async () => (await factsAge()) > 60, 'the watch is silent')
  await waitFor(async () => (await factsAge()) < 30, 'the silence is noticed')
  for (const pod of ['decided', 'istio']) await untilProved(pod)
  assert.equal(await dialInside('istio', EVERYWHERE), REDIRECTED)
  const after = await proved('redirected')
  assert.equal(after, before + 1, 'two came, and the one that went is known to be gone')
})

/** What must not change on the node while nothing needs to. */
async function untouched(): Promise<object> {
  const { netnsPath, containerId } = await remembered('steady')
  const files = await run('sh', '-c', 'stat -c "%n %i %Y %s" /etc/cni/net.d/* /opt/cni/bin/sluice-cni')
  const rules = await run('nsenter', `--net=${netnsPath}`, 'nft', '-s', '-a', 'list', 'ruleset')
  return { containerId, files, rules, agent: await runningContainer(AGENT, 'agent'), proof: await proof('steady') }
}

test(`for ${OUTAGE_S} s without an API server, longer than the grace of coverage, pods work, start and stay proved`, async (t) => {
  const [steady, restarted] = ['steady', ['decided', 'istio']]
  await apply(...inNamespace(SHOP, meshPod(steady), meshPod('decided'), istioPod('istio')))
  for (const pod of [steady, ...restarted]) await untilProved(pod)
  await waitFor(async () => (await ofWebhook('sluice_leader{lease="sluice-leader"}')) === 1, 'the webhook leads')
  const before = await untouched()
  const asked = askedFromNow(`system:serviceaccount:${SLUICE}:${AGENT}`)
  const restart = await killApiServer()
  t.after(restart)
  const counted = { looks: 0, healthy: 0, redirected: 0, sandboxes: 0, bypassing: 0, askedTwice: [] as string[] }
  const look = async (): Promise<void> => {
    counted.looks++
    if ((await get('http://127.0.0.1:8000/healthz')).startsWith('200 ')) counted.healthy++
    // a connection may find no answer in time on a machine that is busy; what goes past its proxy finds none the second time either
    const heard = await dialInside(steady, EVERYWHERE)
    if (heard !== REDIRECTED) counted.askedTwice.push(heard)
    if (heard === REDIRECTED || (await dialInside(steady, EVERYWHERE)) === REDIRECTED) counted.redirected++
    if ((await proved('bypassing')) > 0) counted.bypassing++
  }
  const deadline = performance.now() + OUTAGE_S * 1000
  do {
    const ended = await Promise.all(restarted.map(async (pod) => await runningContainer(pod, SANDBOX)))
    for (const pod of restarted) await killSandbox(pod)
    const areBack = async (): Promise<boolean> => {
      await look()
      const there = await Promise.all(
        restarted.map(async (pod) => [await runningContainer(pod, SANDBOX), await dialInside(pod, EVERYWHERE)]),
      )
      return (
        there.every(([sandbox], at) => sandbox !== undefined && sandbox !== ended[at]) &&
        there.every(([, heard]) => heard === REDIRECTED)
      )
    }
    await waitFor(areBack, 'both have another sandbox and are redirected')
    counted.sandboxes += restarted.length
    await waitFor(async () => (await proved('redirected')) === 3, 'all three are proved', agentState)
    const next = Math.min(deadline, performance.now() + ROUND_MS)
    while (performance.now() < next) {
      await look()
      await sleep(500)
    }
  } while (performance.now() < deadline)
  const { looks, healthy, redirected, bypassing, askedTwice } = counted
  assert.deepEqual([healthy, redirected, bypassing], [looks, looks, 0], askedTwice.join('\n'))
  assert.equal(await ofWebhook('sluice_leader{lease="sluice-leader"}'), 0, 'nobody leads on old facts')
  await restart()
  await waitFor(
    async () => (await ofWebhook('sluice_nodes{mode="cni",state="able"}')) === 1,
    'the leader has seen the node again',
    async () => await webhook.webhookState(MESH),
  )
  await webhook.untilDecided(MESH, 'cni')
  for (const pod of [steady, ...restarted]) await ready(SHOP, pod)
  for (const pod of restarted) await untilProved(pod)
  await waitFor(async () => (await factsAge()) < 60, 'the agent hears the API server again')
  for (let round = 0; round < 20; round++)
    assert.deepEqual([await webhook.marks(), await webhook.decision(MESH)], [[webhook.READY], 'cni'])
  assert.deepEqual(await untouched(), before)
  const requests = asked()
  t.diagnostic(JSON.stringify({ ...counted, requests }))
  assert.ok(requests.length > 0 && requests.filter((one) => one.startsWith('list')).length <= 2, requests.join())
  assert.ok(requests.filter((one) => one.startsWith('watch')).length <= 8, requests.join())
})
