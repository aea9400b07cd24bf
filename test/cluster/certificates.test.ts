import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../../src/core/json/value.ts'
import type { Seams } from '../../src/app/webhook/start.ts'
import { createClient } from '../../src/edge/cluster/client.ts'
import { secretStore } from '../../src/edge/cluster/secret-store.ts'
import { call, type Serving } from '../app/webhook/serving.ts'
import * as cluster from './replicas.ts'
import { until } from './until.ts'

let installed: cluster.Installed
before(async () => {
  installed = await cluster.install()
  await cluster.createReadyNodes(installed, ['node-1'])
  await cluster.createAgentPod(installed, 'node-1', { ready: true })
})
after(async () => await installed.stop())

async function configuration(at: (typeof cluster.CONFIGURATIONS)[number]): Promise<JsonObject> {
  return await installed.admin.get({ resource: at[1], name: at[2] })
}

/** The bundle that all entries of both configurations have, as PEM; empty where they differ. */
async function bundle(): Promise<string> {
  const all = await Promise.all(cluster.CONFIGURATIONS.map(configuration))
  const found = all.flatMap((one) =>
    objectsOf(one['webhooks']).map((entry) => objectOr(entry['clientConfig'])['caBundle']),
  )
  assert.ok(found.length > 4)
  const [first] = new Set(found)
  return new Set(found).size === 1 ? Buffer.from(stringOr(first) ?? '', 'base64').toString() : ''
}

async function trusts(serving: Serving): Promise<void> {
  await until(
    async () => serving.webhook.ca() !== '' && (await bundle()) === serving.webhook.ca(),
    () => serving.logged().slice(-2000),
  )
}

async function alarms(serving: Serving): Promise<string> {
  const { text } = await call(serving, '/readyz?verbose')
  return text
    .split('\n')
    .filter((line) => line.startsWith('[!]'))
    .join('\n')
}

/** Creates a pod; gives the annotation that only the webhook writes. */
async function admitted(name: string): Promise<string> {
  const spec = { containers: [{ name: 'a', image: 'registry.example/a:1' }] }
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec }
  const made = await installed.admin.create({ resource: cluster.RESOURCES.pod, namespace: 'mesh' }, pod)
  const { annotations } = objectOr(made['metadata'])
  return stringOr(objectOr(annotations)['sluice-mesh.io/decided']) ?? 'not asked'
}

/** A certificate's life is a year and its CA's, too; the clock of the makers says how much of it is over. */
function lives(clock: { offsetMs: number }): NonNullable<Seams['lives']> {
  const yearMs = 365 * 86_400_000
  return {
    now: () => new Date(Date.now() + clock.offsetMs),
    caLifeMs: yearMs,
    leafLifeMs: yearMs,
    skewMs: 2 * 3_600_000,
    overlapMs: 3_600_000,
    everyMs: 200,
  }
}

async function emptied(): Promise<void> {
  const { code, stderr } = await installed.api.kubectl([
    'delete',
    'secret',
    'sluice-ca',
    '-n',
    'sluice-system',
    '--ignore-not-found',
  ])
  assert.equal(code, 0, stderr)
}

test('replicas that start together share one CA, which is also what the API server is told to trust', async (t) => {
  const replicas = await Promise.all([1, 2, 3].map(async () => await installed.replica(t)))
  const [first] = replicas
  assert.ok(first !== undefined)
  assert.deepEqual(new Set(replicas.map(({ webhook }) => webhook.ca())).size, 1)
  let told = ''
  const missing = /\[!\]webhook_not_registered alarm: the cluster has no webhook entry/
  await until(
    async () => missing.test((told = await alarms(first))),
    () => told,
  )
  await cluster.register(installed, first)
  await trusts(first)
  assert.equal(await admitted('shared'), 'cni')
  for (const replica of replicas)
    await until(
      async () => (await alarms(replica)) === '',
      () => replica.logged().slice(-2000),
    )
})

test('only caBundle is owned: the chart is applied again without a conflict, and what is emptied is filled', async (t) => {
  const replica = await installed.replica(t)
  await cluster.register(installed, replica)
  await trusts(replica)
  await cluster.register(installed, replica)
  assert.equal(await bundle(), replica.webhook.ca())
  for (const at of cluster.CONFIGURATIONS) {
    const fields = objectsOf(objectOr((await configuration(at))['metadata'])['managedFields'])
    const own = fields.find(({ manager }) => manager === 'sluice-leader')
    const entries = objectOr(objectOr(own?.['fieldsV1'])['f:webhooks'])
    const keys = Object.values(entries).flatMap((entry) => Object.keys(objectOr(entry)))
    assert.deepEqual([...new Set(keys)].sort(), ['.', 'f:clientConfig', 'f:name'])
    const inside = Object.values(entries).map((entry) =>
      Object.keys(objectOr(objectOr(entry)['f:clientConfig'])).join(),
    )
    assert.deepEqual([...new Set(inside)], ['f:caBundle'])
    const remove = [{ op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }]
    await installed.admin.patch({ resource: at[1], name: at[2] }, 'json', remove)
  }
  await trusts(replica)
})

test('a caBundle of somebody else is left to them, and both alarms say so; the Secret that was deleted comes back as it was', async (t) => {
  const replica = await installed.replica(t, {}, { lives: { everyMs: 200 } })
  await cluster.register(installed, replica)
  await trusts(replica)
  const ca = replica.webhook.ca()
  await emptied()
  const store = secretStore(createClient(installed.account), { namespace: 'sluice-system', name: 'sluice-ca' })
  await until(
    async () => (await store.read())?.files['ca.crt'] === ca,
    () => replica.logged().slice(-2000),
  )
  assert.equal(replica.webhook.ca(), ca)
  for (const at of cluster.CONFIGURATIONS) await installed.api.kubectl(['delete', at[1].plural, at[2]])
  await cluster.register(installed, replica, Buffer.from(installed.api.ca).toString('base64'))
  let last = ''
  const both =
    /\[!\]ca_bundle_untrusted alarm: .*MutatingWebhookConfiguration sluice does not trust(.|\n)*\[!\]ca_bundle_owned_by_another alarm: .*helm/
  await until(
    async () => both.test((last = await alarms(replica))),
    () => last,
  )
  assert.equal(await bundle(), installed.api.ca)
})

test('a rotation of CA and certificate under load loses no call', async (t: TestContext) => {
  for (const at of cluster.CONFIGURATIONS)
    await installed.api.kubectl(['delete', at[1].plural, at[2], '--ignore-not-found'])
  await emptied()
  // two thirds of a year are not quite over
  const clock = { offsetMs: -250 * 86_400_000 }
  const first = await installed.replica(t, {}, { lives: lives(clock) })
  const second = await installed.replica(t, {}, { lives: lives(clock) })
  await cluster.register(installed, first)
  await trusts(first)
  const before = first.webhook.ca()
  const wrong: string[] = []
  let calls = 0
  let loading = true
  const load = Array.from({ length: 4 }, async (_, worker) => {
    while (loading) {
      const answer = await admitted(`load-${worker}-${calls++}`).catch(String)
      if (answer !== 'cni') wrong.push(answer)
    }
  })
  t.after(() => (loading = false))
  const serves = (text: string): Promise<void> =>
    until(
      async () =>
        first.logged().includes(text) &&
        first.webhook.ca() === second.webhook.ca() &&
        (await bundle()) === first.webhook.ca(),
      () => ({ text, logged: first.logged().slice(-2000) }),
    )
  clock.offsetMs = 0
  await until(
    () => first.webhook.ca() !== before && first.webhook.ca().includes(before),
    () => first.logged().slice(-2000),
  )
  await serves('serving a new certificate')
  assert.equal(first.webhook.ca().match(/BEGIN CERTIFICATE/g)?.length, 2)
  const certificates = (): number => first.logged().split('serving a new certificate').length
  const served = certificates()
  const so = calls
  // the new CA signs when everybody has had the time to hear of it
  clock.offsetMs = 3_700_000
  await until(
    () => certificates() > served && calls > so + 40,
    () => ({ calls, logged: first.logged().slice(-2000) }),
  )
  loading = false
  await Promise.all(load)
  assert.deepEqual(wrong, [])
  assert.ok(calls > 50)
})
