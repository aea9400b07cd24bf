import { annotationsOf, containersOf } from '../json/pod.ts'
import { isObject, type JsonObject, objectOr, stringOr } from '../json/value.ts'
import { ANSWER_ANNOTATIONS, CONTAINERS } from '../vocabulary/names.ts'
import { decodeIntent } from './codec.ts'
import { ambientIntentOfConfiguration, intentOfConfiguration } from './configuration.ts'
import { ambientStanding, ISTIO_AMBIENT_RULES } from './ambient-standing.ts'
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
