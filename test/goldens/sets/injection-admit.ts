import { diff } from '../../../src/core/admission/patch.ts'
import type { Facts } from '../../../src/core/decision/facts.ts'
import { outcomeOf } from '../../../src/core/explain/outcome-of.ts'
import { outcomesOfDocument } from '../../../src/core/explain/workload-documents.ts'
import { pathEnv } from '../../../src/core/injection/path-env.ts'
import {
  isList,
  isObject,
  type Json,
  type JsonObject,
  objectOr,
  objectsOf,
  stringMap,
  stringOr,
} from '../../../src/core/json/value.ts'
import type { MeshSettings } from '../../../src/core/settings/mesh-settings.ts'
import { parseMeshSettings } from '../../../src/core/settings/parse-mesh-settings.ts'
import { DEFAULT_POLICY } from '../../../src/core/settings/policy.ts'
import { parseProxyConfigResource } from '../../../src/core/settings/proxy-config-resource.ts'
import { type Reason, sentence } from '../../../src/core/vocabulary/reasons.ts'
import { applyPatch } from '../../core/admission/apply-patch.ts'

/** Reason codes that are one of the goldens' classes of errors; another code is its own class. */
const CLASSES: Readonly<Record<string, string>> = {
  annotation_invalid: 'invalid-annotation',
  template_unknown: 'unknown-template',
  scrape_port_invalid: 'invalid-scrape-port',
  template_failed: 'template-failure',
}

/** What the product makes of a case's input, in the form of the case's result. */
export function admit(golden: JsonObject): Json {
  if (golden['kind'] === 'resource') return admitDocuments(golden)
  const pod = objectOr(golden['pod'])
  const { decision, pod: made } = outcomeOf(factsOf(golden, pod))
  switch (decision.is) {
    case 'meshed':
      // Istio's injector leaves alone what goes into ambient
      return {
        outcome: decision.mode === 'ambient' ? 'skipped' : 'injected',
        injected: applyPatch(pod, diff(pod, made)),
      }
    case 'left':
      return { outcome: 'skipped', injected: applyPatch(pod, diff(pod, made)) }
    case 'unmeshed':
    case 'refused':
      return refused(decision.reason)
  }
}

/** The offline command (injector.md §18): documents in, documents out; a pod that is left alone there is warned of. */
function admitDocuments(golden: JsonObject): Json {
  const documents = objectsOf(golden['documents'])
  const outcomes = documents.map((document) =>
    outcomesOfDocument(document, (pod, namespace) => factsOf(golden, pod, namespace)),
  )
  const decisions = outcomes.flatMap(({ pods }) => pods.map(({ outcome }) => outcome.decision))
  const refusal = decisions.find((decision) => decision.is === 'refused')
  if (refusal !== undefined) return refused(refusal.reason)
  const warnings = decisions.filter((decision) => decision.is === 'left').length
  return { outcome: 'injected', injected: outcomes.map(({ document }) => document), warnings }
}

function refused(reason: Reason): Json {
  return { outcome: 'error', error: { class: CLASSES[reason.code] ?? reason.code, message: sentence(reason) } }
}

/**
 * A case fixes the mode: nodes can do `cni` exactly where the settings have Istio's CNI on, and ambient for who asks for it
 * instead of a sidecar. That the request came at all means that the namespace asks for sidecars; no Pod Security level is
 * enforced there. `around` is the namespace of the document around a template.
 */
export function factsOf(golden: JsonObject, pod: JsonObject, around?: string): Facts {
  const settings = settingsOf(golden)
  const metadata = objectOr(objectOr(golden['namespace'])['metadata'])
  return {
    pod,
    namespace: {
      name: around ?? stringOr(objectOr(pod['metadata'])['namespace']) ?? stringOr(golden['requestNamespace']) ?? '',
      labels: { 'istio-injection': 'enabled', ...stringMap(metadata['labels']) },
      annotations: stringMap(metadata['annotations']),
    },
    settings,
    policy: DEFAULT_POLICY,
    coverage: {
      cni: settings.injectorValues.pilot.cni.enabled
        ? { is: 'possible', covered: 1, candidates: 1 }
        : { is: 'impossible', covered: 0, candidates: 1, example: 'node-1' },
      ambient: { is: 'possible', covered: 1, candidates: 1 },
      installed: { agent: true, ztunnel: true },
      ageSeconds: 0,
    },
    dryRun: false,
    pathEnv: pathEnv(stringOr(golden['requestPath']) ?? ''),
    kubeletVersions: kubeletVersions(objectOr(golden['nativeSidecars'])['kubeletVersions']),
  }
}

/** Of the nodes `node-1`, `node-2`; none: the cluster is unknown. */
function kubeletVersions(versions: Json | undefined): Facts['kubeletVersions'] {
  if (!isList(versions) || versions.length === 0) return undefined
  return new Map(versions.map((version, index) => [`node-${index + 1}`, stringOr(version) ?? '']))
}

const NATIVE_SIDECARS: Readonly<Record<string, string>> = { auto: 'auto', enabled: 'true', disabled: 'false' }

/** istiod's settings of a case, through the same texts as a ConfigMap's. */
function settingsOf(golden: JsonObject): MeshSettings {
  const { extraTemplates, ...config } = objectOr(golden['injector'])
  const resources = isList(golden['proxyConfigResources']) ? golden['proxyConfigResources'] : []
  return parseMeshSettings({
    mesh: JSON.stringify(golden['meshConfig'] ?? {}),
    config: isObject(golden['injector']) ? JSON.stringify({ ...config, templates: extraTemplates }) : undefined,
    values: JSON.stringify(golden['values'] ?? {}),
    revision: stringOr(golden['revision']),
    platform: stringOr(golden['platform']),
    nativeSidecars: NATIVE_SIDECARS[stringOr(objectOr(golden['nativeSidecars'])['setting']) ?? ''],
    compliancePolicy: stringOr(golden['compliancePolicy']),
    proxyConfigResources: resources
      .filter(isObject)
      .map(({ name, namespace, spec }) => parseProxyConfigResource({ metadata: { name, namespace }, spec })),
  })
}
