import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type JsonObject, objectOr, stringMap } from '../../src/core/json/value.ts'
import * as given from '../app/webhook/cluster.ts'
import { metricsOf } from '../app/webhook/serving.ts'
import { shipped } from '../../scripts/cluster/shipped.ts'
import { applied } from './boundary.ts'
import * as cluster from './replicas.ts'
import { until } from './until.ts'

const POLICY = {
  resource: { group: '', version: 'v1', plural: 'configmaps' },
  namespace: 'sluice-system',
  name: 'sluice-policy',
}
const OTHERS = { 'guard.canary.optOut': 'deny', 'example.com': 'mine' }

let installed: cluster.Installed
before(async () => {
  installed = await cluster.install()
  await installed.apply(given.configMap('sluice-system', 'sluice-policy', { policy: '{}', ...OTHERS }))
  // no webhook is registered: what is told here, the guard alone says
  await applied(installed.api, shipped('guard'))
})
after(async () => await installed.stop())

async function keys(): Promise<Readonly<Record<string, string>>> {
  return stringMap((await installed.admin.get(POLICY))['data'])
}

const policy = async (text: string): Promise<void> =>
  await installed.apply(given.configMap('sluice-system', 'sluice-policy', { policy: text, ...OTHERS }))

const pod = (name: string, labels: JsonObject): JsonObject => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'mesh', labels } },
  spec: { containers: [{ name: 'app', image: 'registry.example/app:1' }] },
})

/** Waits until the API server answers so: `passed`, or the reason code of a refusal. */
async function answers(asked: JsonObject, want: string): Promise<void> {
  let last = ''
  await until(
    async () => {
      const { stderr } = await installed.api.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(asked))
      last = stderr === '' ? 'passed' : (/sluice: ([a-z_]+):/.exec(stderr)?.[1] ?? stderr)
      return last === want
    },
    () => ({ want, last }),
  )
}

test('the guard goes by the policy and by istiod, as soon as one of the two says something else', async (t) => {
  const out = pod('out', { 'sidecar.istio.io/inject': 'false' })
  await answers(out, 'guard_unconfigured')
  const serving = await installed.replica(t)
  await answers(out, 'passed')
  await policy('optOut: { default: deny }')
  await answers(out, 'opt_out_denied')
  const batch = pod('batch', { team: 'batch' })
  await answers(batch, 'guard_no_evidence')
  const never = 'policy: enabled\nneverInjectSelector: [{ matchLabels: { team: batch } }]\n'
  await installed.apply(given.configMap('istio-system', 'istio-sidecar-injector', { config: never, values: '{}' }))
  await answers(batch, 'passed')
  await policy('{}')
  await answers(out, 'passed')
  assert.doesNotMatch(await metricsOf(serving), /^sluice_leader_writes_total\{what="guard_keys",result="failed"\}/m)
})

test('keys that somebody changed, lost or left behind are put right; what is not of this revision stays as it is', async (t) => {
  await installed.replica(t)
  await until(async () => 'guard.default.optOut' in (await keys()), keys)
  const good = await keys()
  assert.equal(Object.keys(good).length, 10)
  for (const data of [
    { 'guard.default.optOut': 'deny' },
    { 'guard.default.optOut': null },
    { 'guard.default.ofOldVersion': 'yes' },
  ]) {
    await installed.admin.patch(POLICY, 'merge', { data })
    await until(async () => JSON.stringify(objectOr(await keys())) === JSON.stringify(good), keys)
  }
})
