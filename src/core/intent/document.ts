import { annotationsOf, containersOf } from '../json/pod.ts'
import { isObject, type Json, type JsonObject, objectOr, stringOr } from '../json/value.ts'
import { ANSWER_ANNOTATIONS, CONTAINERS } from '../vocabulary/names.ts'
import { decodeIntent } from './codec.ts'
import { ambientIntentOfConfiguration, intentOfConfiguration, isSetting } from './configuration.ts'
import { ambientStanding, ISTIO_AMBIENT_RULES } from './ambient-standing.ts'
import { quoted } from './grammar.ts'
import type { IntentResult } from './intent.ts'
import { intentOfDecided, intentOfPod } from './pod.ts'

/** What a document is: a pod, or settings of redirection, which may stand under `config` beside a `mode`. */
export type DocumentKind = 'pod' | 'sidecar' | 'ambient-pod' | 'ambient-host'

/** The kind of `document`; what has no `spec` and no mode is a configuration of sidecar redirection. */
export function kindOfDocument(document: JsonObject): DocumentKind {
  const mode = stringOr(document['mode'])
  if (mode === 'ambient-host' || mode === 'ambient-pod') return mode
  return mode === 'sidecar' || !isObject(document['spec']) ? 'sidecar' : 'pod'
}

/**
 * What `document` is instead of a pod or a configuration, for a sentence: a ConfigMap has neither, and rules that nothing in it
 * asks for would look like its own. Undefined where it is one of them.
 */
export function strangerIn(document: JsonObject): string | undefined {
  const { kind, mode, config, spec } = document
  if (kind !== undefined && kind !== null) return kind === 'Pod' ? undefined : `an object of kind ${told(kind)}`
  if (mode !== undefined && !MODES.includes(mode)) return `a document of mode ${told(mode)}`
  if (config !== undefined && !isObject(config)) return `a document whose config is ${told(config)}`
  const says = mode !== undefined || isObject(spec) || Object.keys(configurationIn(document)).some(isSetting)
  return says ? undefined : 'a document that says nothing of a pod or of redirection'
}

const MODES: readonly unknown[] = ['sidecar', 'ambient-pod', 'ambient-host'] satisfies readonly DocumentKind[]

function told(value: Json): string {
  return quoted(stringOr(value) ?? JSON.stringify(value))
}

/** The settings in a document that is no pod. */
export function configurationIn(document: JsonObject): JsonObject {
  return isObject(document['config']) ? document['config'] : document
}

/** What is to be redirected for a pod, or by a written configuration of one pod's redirection. */
export function intentOfDocument(document: JsonObject): IntentResult {
  switch (kindOfDocument(document)) {
    case 'pod':
      return intentOfAnyPod(document)
    case 'ambient-pod':
      return ambientIntentOfConfiguration(objectOr(configurationIn(document)['pod']))
    case 'sidecar':
    case 'ambient-host':
      return intentOfConfiguration(configurationIn(document))
  }
}

/** What was decided for the pod; else what istio-init, ztunnel's agent or the CNI plugin would do. */
function intentOfAnyPod(pod: JsonObject): IntentResult {
  const decided = annotationsOf(pod)[ANSWER_ANNOTATIONS.intent]
  if (decided !== undefined) return decodeIntent(decided)
  if (containersOf(pod).some(({ name }) => name === CONTAINERS.init)) return intentOfDecided(pod, 'init')
  const standing = ambientStanding(pod, { name: '', labels: {} }, ISTIO_AMBIENT_RULES)
  return standing.is === 'in' ? intentOfDecided(pod, 'ambient') : intentOfPod(pod)
}
