import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InjectionContext } from '../../../src/core/injection/draft.ts'
import { inject } from '../../../src/core/injection/inject.ts'
import { type JsonObject, stringOr } from '../../../src/core/json/value.ts'
import { parseMeshSettings } from '../../../src/core/settings/parse-mesh-settings.ts'

const CONTEXT: InjectionContext = {
  settings: parseMeshSettings({}),
  mode: 'cni',
  namespace: { name: 'shop', labels: {}, annotations: {} },
  podNamespace: 'shop',
  pathEnv: {},
  nativeSidecars: true,
  seccompDefault: true,
  workload: undefined,
}
const POD: JsonObject = {
  metadata: { name: 'web' },
  spec: { containers: [{ name: 'web', image: 'a', readinessProbe: { tcpSocket: { port: 80 } } }] },
}
const MOUNT = { name: 'kube-api-access-x', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }

interface Pod {
  readonly metadata: JsonObject
  readonly spec: {
    readonly initContainers: readonly JsonObject[]
    readonly containers: readonly JsonObject[]
    readonly volumes: readonly JsonObject[]
  }
}

function injected(pod: JsonObject, context = CONTEXT): JsonObject {
  const injection = inject(pod, context)
  if (injection.is === 'injected') return injection.pod
  throw new Error(`refused: ${injection.reason.code}`)
}

/** What the API server does to a pod between two invocations: defaults, canonical quantities, mounts of the service account. */
function asStored(pod: JsonObject): JsonObject {
  const { spec } = pod as unknown as Pod
  const container = (one: JsonObject): JsonObject => ({
    ...one,
    ...(one['resources'] === undefined
      ? {}
      : {
          resources: JSON.parse(
            JSON.stringify(one['resources']).replaceAll('"2000m"', '"2"').replaceAll('"1024Mi"', '"1Gi"'),
          ) as JsonObject,
        }),
    terminationMessagePath: '/dev/termination-log',
    imagePullPolicy: 'IfNotPresent',
    volumeMounts: [...((one['volumeMounts'] as JsonObject[] | undefined) ?? []), MOUNT],
  })
  const volume = (one: JsonObject): JsonObject =>
    one['configMap'] === undefined
      ? one
      : { ...one, configMap: { ...(one['configMap'] as JsonObject), defaultMode: 420 } }
  return {
    ...pod,
    spec: {
      ...spec,
      initContainers: spec.initContainers.map(container),
      containers: spec.containers.map(container),
      volumes: [...spec.volumes.map(volume), { name: MOUNT.name, projected: {} }],
    },
  }
}

test('a pod that comes again with defaults and the mounts of its service account is left exactly as it is', () => {
  const stored = asStored(injected(POD))
  assert.deepEqual(injected(stored), stored)
})

test("what the settings changed is changed, and the others' mounts stay", () => {
  const stored = asStored(injected(POD))
  const settings = parseMeshSettings({ values: JSON.stringify({ global: { tag: 'newer' } }) })
  const { spec } = injected(stored, { ...CONTEXT, settings }) as unknown as Pod
  for (const container of spec.initContainers) {
    assert.match(stringOr(container['image']) ?? '', /:newer$/)
    assert.deepEqual((container['volumeMounts'] as JsonObject[]).at(-1), MOUNT)
  }
})

test('environment that the settings no longer hold goes, although everything else is as wanted', () => {
  const before = parseMeshSettings({ mesh: JSON.stringify({ defaultConfig: { proxyMetadata: { OLD: 'x' } } }) })
  const again = injected(asStored(injected(POD, { ...CONTEXT, settings: before })))
  assert.doesNotMatch(JSON.stringify(again), /"OLD"/)
})
