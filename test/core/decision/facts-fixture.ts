import type { Coverage, ModeCoverage } from '../../../src/core/decision/coverage.ts'
import type { Rehearsal } from '../../../src/core/decision/decision.ts'
import type { Facts } from '../../../src/core/decision/facts.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'
import type { MeshSettings } from '../../../src/core/settings/mesh-settings.ts'
import type { Policy } from '../../../src/core/settings/policy.ts'
import { parseMeshSettings } from '../../../src/core/settings/parse-mesh-settings.ts'
import type { Mode } from '../../../src/core/vocabulary/modes.ts'
import { DEFAULT_POLICY } from '../../../src/core/settings/policy.ts'

/** The few things about a pod that a decision test varies; everything else is an ordinary pod in an ordinary cluster. */
export interface Given {
  readonly namespace?: string
  readonly namespaceLabels?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly spec?: JsonObject
  readonly policy?: Partial<Policy>
  readonly injector?: Partial<MeshSettings['injector']>
  readonly coverage?: Partial<Coverage>
}

export const ALL_COVERED: ModeCoverage = { is: 'possible', covered: 3, candidates: 3 }
export const NONE_COVERED: ModeCoverage = { is: 'impossible', covered: 0, candidates: 3, example: 'node-1' }
export const NO_NODES: ModeCoverage = { is: 'no-nodes' }

export const APP_CONTAINER: JsonObject = { name: 'app', image: 'app:1' }

const SETTINGS: MeshSettings = parseMeshSettings({})

export function factsOf(given: Given): Facts {
  const metadata = { name: 'web', labels: { app: 'x', ...given.labels }, annotations: { ...given.annotations } }
  return {
    pod: { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [APP_CONTAINER], ...given.spec } },
    namespace: { name: given.namespace ?? 'shop', labels: given.namespaceLabels ?? {}, annotations: {} },
    settings: { ...SETTINGS, injector: { ...SETTINGS.injector, ...given.injector } },
    policy: { ...DEFAULT_POLICY, ...given.policy },
    coverage: {
      cni: ALL_COVERED,
      ambient: ALL_COVERED,
      installed: { agent: true, ztunnel: true },
      ageSeconds: 0,
      ...given.coverage,
    },
    dryRun: false,
    pathEnv: {},
    kubeletVersions: new Map(),
  }
}

/** What the injection adds, as far as a decision looks at it: a container with NET_ADMIN in `init`, without in `cni`. */
export function rehearsed(facts: Facts, mode: Mode): Rehearsal {
  if (mode === 'ambient') return { is: 'made', pod: facts.pod }
  const spec = facts.pod['spec'] as JsonObject
  const securityContext: JsonObject =
    mode === 'init'
      ? { runAsUser: 0, runAsNonRoot: false, capabilities: { add: ['NET_ADMIN', 'NET_RAW'], drop: ['ALL'] } }
      : {
          runAsUser: 1337,
          runAsNonRoot: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
          seccompProfile: { type: 'RuntimeDefault' },
        }
  const container: JsonObject = { name: mode === 'init' ? 'istio-init' : 'istio-validation', securityContext }
  const before = (spec['initContainers'] ?? []) as readonly JsonObject[]
  return { is: 'made', pod: { ...facts.pod, spec: { ...spec, initContainers: [container, ...before] } } }
}
