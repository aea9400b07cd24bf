import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiServer, createNamespace, startApiServer } from '../../scripts/cluster/api-server.ts'
import { Marks } from '../../src/app/agent/ambient/marks.ts'
import { ownCondition } from '../../src/app/agent/ambient/own-condition.ts'
import { type NodePod, NodePods } from '../../src/app/agent/node-pods.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../../src/core/json/value.ts'
import type { Reason } from '../../src/core/vocabulary/reasons.ts'
import { type ClusterClient, createClient } from '../../src/edge/cluster/client.ts'
import { agentInside, applied } from './boundary.ts'
import { until } from './mesh.ts'

const REDIRECTION = 'ambient.istio.io/redirection'
const ANSWER = { 'sluice-mesh.io/decided': 'ambient', 'sluice-mesh.io/intent': '{"v":1,"kind":"ambient"}' }
const OTHER_UID = '8b6a2e4c-0000-4000-8000-000000000000'
const SELF = { namespace: 'sluice-system', name: 'agent' }
/** the precondition of a patch of a pod, in the words of the API server */
const UID_REFUSED = /: 422 Invalid: .*metadata.uid/

let api: ApiServer
/** of the agent on node-1, inside seal and fence */
let client: ClusterClient
/** what that agent knows of the pods of its node */
let pods: NodePods
const stop = new AbortController()
let watching: Promise<void> = Promise.resolve()
before(async () => {
  api = await startApiServer()
  const connection = await agentInside(api)
  client = createClient(connection)
  await createNamespace(api, 'shop')
  pods = new NodePods({ nodeName: 'node-1', pods: { from: 'cluster', connection }, report: () => undefined })
  watching = pods.run(stop.signal)
})
after(async () => {
  stop.abort()
  await watching
  await api.stop()
})

async function createPod(name: string, nodeName = 'node-1'): Promise<void> {
  const spec = { nodeName, containers: [{ name: 'app', image: 'registry.example/app:1' }] }
  const metadata = { name, namespace: 'shop', annotations: ANSWER }
  await applied(api, [{ apiVersion: 'v1', kind: 'Pod', metadata, spec }])
}

async function metadataOf(name: string): Promise<JsonObject> {
  const { stdout } = await api.kubectl(['-n', 'shop', 'get', 'pod', name, '-o', 'json'])
  return objectOr(objectOr(JSON.parse(stdout))['metadata'])
}

/** The pod as the agent's watch has it. */
async function known(name: string, namespace = 'shop'): Promise<NodePod> {
  return await until(`${name} is known`, () =>
    Promise.resolve(pods.all().find((pod) => pod.name === name && pod.namespace === namespace)),
  )
}

const annotations = async (name: string): Promise<JsonObject> => objectOr((await metadataOf(name))['annotations'])
const problems: { readonly name: string; readonly error: unknown }[] = []
const marks = (): Marks => new Marks({ client, report: ({ name }, error) => problems.push({ name, error }) })

test('what a pod says is written beside its other annotations, told by the watch, and taken back', async () => {
  await createPod('web')
  const before = await annotations('web')
  const writer = marks()
  for (const mark of ['pending', 'enabled', null] as const) {
    await until(`the pod says ${String(mark)}`, async () => {
      writer.set(await known('web'), mark)
      return ((await annotations('web'))[REDIRECTION] ?? null) === mark ? true : undefined
    })
    assert.deepEqual(await annotations('web'), { ...before, ...(mark !== null && { [REDIRECTION]: mark }) })
  }
  assert.deepEqual(problems, [])
})

test('another pod of the same name is not written, and that is no problem', async () => {
  await createPod('again')
  const [before, writer] = [await metadataOf('again'), marks()]
  const pod = await known('again')
  const answered = Promise.withResolvers<unknown>()
  const patch: ClusterClient['patch'] = async (...args) => {
    try {
      return await client.patch(...args)
    } catch (error) {
      answered.resolve(error)
      throw error
    } finally {
      answered.resolve(null)
    }
  }
  const other = new Marks({ client: { patch }, report: ({ name }, error) => problems.push({ name, error }) })
  other.set({ ...pod, uid: OTHER_UID }, 'enabled')
  assert.match(String(await answered.promise), UID_REFUSED)
  assert.deepEqual(await metadataOf('again'), before)
  assert.deepEqual(problems, [])
  await until('the right one is written', async () => {
    writer.set(pod, 'enabled')
    return (await annotations('again'))[REDIRECTION] === 'enabled' ? true : undefined
  })
})

test('a pod of another node is not for this agent: the refusal is told, and nothing is written', async () => {
  await applied(api, [{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-2' } }])
  await createPod('far', 'node-2')
  const { uid } = await metadataOf('far')
  marks().set({ uid: stringOr(uid) ?? '', namespace: 'shop', name: 'far', object: {} }, 'enabled')
  const told = await until('it is told', () => Promise.resolve(problems.find(({ name }) => name === 'far')))
  // seal and fence both refuse it, and the API server tells whichever of the two it asked first
  assert.match(String(told.error), /redirection_sealed|fence_other_node/)
  assert.equal((await annotations('far'))[REDIRECTION], undefined)
})

test("the agent's pod says what its node can do, once for each change, and never on another pod of its name", async () => {
  let ability: Reason = { code: 'ambient_starting', args: {} }
  const errors: unknown[] = []
  let patches = 0
  const patch: ClusterClient['patch'] = async (...args) => {
    patches++
    return await client.patch(...args)
  }
  const conditionOf = async (): Promise<string> => {
    const { object } = await known(SELF.name, SELF.namespace)
    const conditions = objectsOf(objectOr(object['status'])['conditions'])
    const own = conditions.find(({ type }) => type === 'sluice-mesh.io/ambient')
    return `${stringOr(own?.['status']) ?? ''} ${stringOr(own?.['reason']) ?? ''}`
  }
  /** exactly one turn: the stop is asked for in it */
  const turn = async (given: Pick<NodePods, 'all'>): Promise<void> => {
    const ended = new AbortController()
    const all = (): readonly NodePod[] => {
      ended.abort()
      return given.all()
    }
    await ownCondition({
      ...{ pods: { all }, self: SELF, client: { patch }, report: (error: unknown) => void errors.push(error) },
      ability: () => ({ reason: ability, warnings: [] }),
    }).loop.run(ended.signal)
  }
  await known(SELF.name, SELF.namespace)
  for (const [reason, said] of [
    ['ambient_starting', 'Unknown ambient_starting'],
    ['ambient_ready', 'True ambient_ready'],
  ] as const) {
    ability = { code: reason, args: {} }
    await turn(pods)
    await until(said, async () => ((await conditionOf()) === said ? true : undefined))
  }
  const before = patches
  await turn(pods)
  assert.equal(patches, before, 'what is said already is not written again')
  assert.deepEqual(errors, [])
  const impostor = { ...(await known(SELF.name, SELF.namespace)), uid: OTHER_UID }
  ability = { code: 'ambient_starting', args: {} }
  await turn({ all: () => [impostor] })
  assert.match(String(errors[0]), UID_REFUSED)
  assert.equal(await conditionOf(), 'True ambient_ready')
})
