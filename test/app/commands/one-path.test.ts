import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { admit } from '../../../src/app/webhook/admit.ts'
import { answerOf } from '../../../src/app/webhook/answer.ts'
import { DEFAULT_INSTALLATION } from '../../../src/app/webhook/options.ts'
import { type Installation, worldOf } from '../../../src/app/webhook/world.ts'
import { outcomeOf } from '../../../src/core/explain/outcome-of.ts'
import { parseJson } from '../../../src/core/json/parse.ts'
import {
  type Json,
  type JsonObject,
  isList,
  isObject,
  objectOr,
  objectsOf,
  stringOr,
} from '../../../src/core/json/value.ts'
import type { PatchOperation } from '../../../src/core/admission/patch.ts'
import { applyPatch } from '../../core/admission/apply-patch.ts'
import { configMap, daemonSet, namespace } from '../webhook/cluster.ts'
import { sluice } from './run-sluice.ts'

const PLACE = join(import.meta.dirname, '../../goldens/injection')
const SETTING: Readonly<Record<string, string>> = { auto: 'auto', enabled: 'true', disabled: 'false' }

interface Case {
  readonly name: string
  readonly pod: JsonObject
  readonly namespace: string
  readonly path: string
  readonly installation: Installation
  readonly objects: readonly JsonObject[]
}

function cases(): readonly Case[] {
  return readdirSync(PLACE)
    .filter((file) => file.endsWith('.json'))
    .map((file) => objectOr(parseJson(readFileSync(join(PLACE, file), 'utf8'))))
    .filter((golden) => golden['kind'] === 'pod')
    .map(caseOf)
}

/** The cluster of a case as API objects: what both the server and the command are given. */
function caseOf(golden: JsonObject): Case {
  const text = (key: string): string => stringOr(golden[key]) ?? ''
  const pod = objectOr(golden['pod'])
  const { extraTemplates, ...config } = objectOr(golden['injector'])
  const space = (stringOr(objectOr(pod['metadata'])['namespace']) ?? text('requestNamespace')) || 'default'
  const given = objectOr(objectOr(golden['namespace'])['metadata'])['annotations']
  const ofCase = namespace(space, { 'istio-injection': 'enabled' })
  const versions = objectOr(golden['nativeSidecars'])['kubeletVersions']
  const resources = objectsOf(golden['proxyConfigResources']).map(({ name, namespace: where, spec }) => ({
    apiVersion: 'networking.istio.io/v1beta1',
    kind: 'ProxyConfig',
    metadata: { name, namespace: where },
    spec,
  }))
  return {
    name: text('name'),
    pod,
    namespace: space,
    path: text('requestPath'),
    installation: {
      ...DEFAULT_INSTALLATION,
      platform: text('platform'),
      compliancePolicy: text('compliancePolicy'),
      nativeSidecars: SETTING[stringOr(objectOr(golden['nativeSidecars'])['setting']) ?? ''] ?? 'auto',
    },
    objects: [
      { ...ofCase, metadata: { ...objectOr(ofCase['metadata']), ...(isObject(given) ? { annotations: given } : {}) } },
      daemonSet('sluice-agent'),
      ...(isList(versions) ? versions : []).map((version, index) => node(`node-${index + 1}`, version)),
      ...resources,
      configMap('istio-system', 'istio', { mesh: JSON.stringify(golden['meshConfig']) }),
      configMap('istio-system', 'istio-sidecar-injector', {
        config: JSON.stringify({ ...config, templates: extraTemplates }),
        values: JSON.stringify(golden['values']),
      }),
    ],
  }
}

function node(name: string, kubeletVersion: Json): JsonObject {
  const labels = { 'kubernetes.io/os': 'linux', 'sluice-mesh.io/cni': 'ready' }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    status: { conditions: [{ type: 'Ready', status: 'True' }], nodeInfo: { kubeletVersion } },
  }
}

/** The pod after the webhook's patch; undefined where it is refused. */
function webhooks(given: Case): Json | undefined {
  const review = {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      operation: 'CREATE',
      namespace: given.namespace,
      object: given.pod,
      dryRun: true,
    },
  }
  const call = { path: given.path, text: JSON.stringify(review) }
  const { response } = admit(call, worldOf(given.objects, given.installation), (facts) => answerOf(facts, outcomeOf))
  const { allowed, patch } = objectOr(response['response'])
  if (allowed !== true) return undefined
  const operations = typeof patch === 'string' ? (JSON.parse(Buffer.from(patch, 'base64').toString()) as unknown) : []
  return applyPatch(given.pod, operations as readonly PatchOperation[])
}

/** What `sluice inject` prints for the same pod; undefined where it refuses. */
async function commands(given: Case, folder: string): Promise<Json | undefined> {
  const objects = join(folder, 'objects.yaml')
  writeFileSync(objects, given.objects.map((object) => JSON.stringify(object)).join('\n---\n'))
  const { platform, nativeSidecars, compliancePolicy } = given.installation
  const flags = {
    '--objects': objects,
    '--namespace': given.namespace,
    '--inject-path': given.path,
    '--platform': platform,
    '--native-sidecars': nativeSidecars,
    '--compliance-policy': compliancePolicy,
  }
  const argv = ['inject', '-f', '-', '-o', 'json', ...Object.entries(flags).map(([flag, value]) => `${flag}=${value}`)]
  const stdin = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...given.pod })
  const { code, out } = await sluice(argv, { stdin })
  return code === 0 ? parseJson(out) : undefined
}

test('sluice inject prints what the webhook makes of the same pod in the same cluster, in every golden case', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-one-path-'))
  const seen = { same: 0, refused: 0 }
  try {
    for (const given of cases()) {
      const asked = webhooks(given)
      const printed = await commands(given, folder)
      const identity = { apiVersion: 'v1', kind: 'Pod' }
      assert.deepEqual(
        printed === undefined ? undefined : { ...identity, ...objectOr(printed) },
        asked === undefined ? undefined : { ...identity, ...objectOr(asked) },
        given.name,
      )
      seen[asked === undefined ? 'refused' : 'same']++
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  assert.ok(seen.same > 180 && seen.refused > 10, JSON.stringify(seen))
})
