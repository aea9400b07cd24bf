import assert from 'node:assert/strict'
import type { Injection, InjectionContext } from '../../../src/core/injection/draft.ts'
import { inject } from '../../../src/core/injection/inject.ts'
import type { Json, JsonObject } from '../../../src/core/json/value.ts'
import { objectOr, objectsOf } from '../../../src/core/json/value.ts'
import type { MeshSettingsTexts } from '../../../src/core/settings/parse-mesh-settings.ts'
import { parseMeshSettings } from '../../../src/core/settings/parse-mesh-settings.ts'

/** What a test says about the surroundings of a pod; the rest is a default installation with native sidecars. */
export interface Surroundings extends Partial<Omit<InjectionContext, 'settings' | 'namespace'>> {
  readonly mesh?: JsonObject
  readonly values?: JsonObject
  readonly texts?: MeshSettingsTexts
  readonly namespaceAnnotations?: Readonly<Record<string, string>>
}

export function contextOf(surroundings: Surroundings = {}): InjectionContext {
  const { mesh, values, texts, namespaceAnnotations, ...rest } = surroundings
  const settings = parseMeshSettings({
    ...(mesh === undefined ? {} : { mesh: JSON.stringify(mesh) }),
    ...(values === undefined ? {} : { values: JSON.stringify(values) }),
    ...texts,
  })
  return {
    settings,
    mode: 'init',
    namespace: { name: 'shop', labels: {}, annotations: namespaceAnnotations ?? {} },
    podNamespace: 'shop',
    pathEnv: {},
    nativeSidecars: true,
    seccompDefault: false,
    workload: undefined,
    ...rest,
  }
}

/** A pod of one container `web`, with these annotations, labels and other parts. */
export function podOf(
  parts: { readonly annotations?: JsonObject; readonly labels?: JsonObject; readonly spec?: JsonObject } = {},
): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web',
      namespace: 'shop',
      ...(parts.labels === undefined ? {} : { labels: parts.labels }),
      ...(parts.annotations === undefined ? {} : { annotations: parts.annotations }),
    },
    spec: { containers: [{ name: 'web', image: 'example.com/web:1' }], ...parts.spec },
  }
}

/** The injected pod; fails the test where the injection is refused. */
export function injected(pod: JsonObject, surroundings: Surroundings = {}): JsonObject {
  return success(inject(pod, contextOf(surroundings))).pod
}

/** The codes of the warnings of an injection. */
export function warningsOf(pod: JsonObject, surroundings: Surroundings = {}): readonly string[] {
  return success(inject(pod, contextOf(surroundings))).warnings.map((reason) => reason.code)
}

function success(injection: Injection): Extract<Injection, { is: 'injected' }> {
  if (injection.is === 'refused') assert.fail(`refused: ${JSON.stringify(injection.reason)}`)
  return injection
}

/** One container of `pod` by name, in whichever list. */
export function container(pod: JsonObject, name: string): JsonObject {
  const spec = objectOr(pod['spec'])
  const found = [...objectsOf(spec['initContainers']), ...objectsOf(spec['containers'])].find(
    (one) => one['name'] === name,
  )
  assert.ok(found, `the pod has a container ${name}`)
  return found
}

/** Value of a variable of the proxy, parsed where it is JSON; undefined where it is absent. */
export function proxyEnv(pod: JsonObject, name: string): Json | undefined {
  return objectsOf(container(pod, 'istio-proxy')['env']).find((one) => one['name'] === name)?.['value']
}

export function annotationsOf(pod: JsonObject): JsonObject {
  return { ...objectOr(objectOr(pod['metadata'])['annotations']) }
}
