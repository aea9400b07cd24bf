import type { JsonObject } from '../json/value.ts'
import { objectOr, objectsOf, stringOr } from '../json/value.ts'
import { withAnnotations } from '../json/pod.ts'
import type { Step } from './draft.ts'

/** Says what was injected, in Istio's words: the next injection and `istioctl` look for it. */
export const STATUS_ANNOTATION: Step = {
  name: 'status-annotation',
  follows: 'injector.md §8',
  apply(draft, context) {
    const spec = objectOr(draft.said['spec'])
    const status = {
      initContainers: namesOf(spec, 'initContainers'),
      containers: namesOf(spec, 'containers'),
      volumes: namesOf(spec, 'volumes'),
      imagePullSecrets: namesOf(spec, 'imagePullSecrets'),
      revision: context.settings.revision || 'default',
    }
    return { ...draft, pod: withAnnotations(draft.pod, { 'sidecar.istio.io/status': JSON.stringify(status) }) }
  },
}

function namesOf(spec: JsonObject, list: string): readonly string[] | null {
  const names = objectsOf(spec[list]).map((entry) => stringOr(entry['name']) ?? '')
  return names.length === 0 ? null : names
}

/** Annotations that the settings put on every injected pod, whatever it says itself. */
export const INJECTED_ANNOTATIONS: Step = {
  name: 'injected-annotations',
  follows: 'injector.md §7 step 11',
  apply: (draft, context) => ({
    ...draft,
    pod: withAnnotations(draft.pod, context.settings.injector.injectedAnnotations),
  }),
}
