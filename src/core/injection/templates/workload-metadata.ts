import type { JsonObject } from '../../json/value.ts'
import { annotation, label } from '../pod-parts.ts'
import { appNames } from './proxy-env.ts'
import { present } from './present.ts'
import type { TemplateInput } from './template.ts'

/** The most characters that a label takes. */
const LABEL_LENGTH = 63

function firstOf(...texts: readonly (string | undefined)[]): string {
  return texts.find((text) => text !== undefined && text !== '') ?? ''
}

/** The service that telemetry reports for the pod, as long as it may be. */
export function canonicalName({ pod, workload }: TemplateInput): string {
  return firstOf(
    label(pod, 'service.istio.io/canonical-name'),
    label(pod, 'app.kubernetes.io/name'),
    label(pod, 'app'),
    workload.name,
  )
}

/** `name` as a label takes it. */
export function asLabel(name: string): string {
  return name.slice(0, LABEL_LENGTH).replace(/^[-_.]+|[-_.]+$/g, '')
}

/** The revision that telemetry reports for the pod. */
export function canonicalRevision({ pod }: TemplateInput): string {
  return firstOf(
    label(pod, 'service.istio.io/canonical-revision'),
    label(pod, 'app.kubernetes.io/version'),
    label(pod, 'version'),
    'latest',
  )
}

/** The injector's revision, and where kubectl goes by default. */
export function commonAnnotations(input: TemplateInput): JsonObject {
  const [first] = appNames(input.pod)
  const unlessThere = (name: Parameters<typeof annotation>[1]): string | undefined =>
    annotation(input.pod, name) === undefined ? first : undefined
  return present({
    'istio.io/rev': input.context.settings.revision || 'default',
    'kubectl.kubernetes.io/default-logs-container': unlessThere('kubectl.kubernetes.io/default-logs-container'),
    'kubectl.kubernetes.io/default-container': unlessThere('kubectl.kubernetes.io/default-container'),
  })
}
