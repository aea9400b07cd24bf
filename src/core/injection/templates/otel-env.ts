import type { JsonObject } from '../../json/value.ts'
import { stringOr } from '../../json/value.ts'
import { annotation, containersOf, label } from '../pod-parts.ts'
import { imageTagDigest } from './images.ts'
import type { TemplateInput } from './template.ts'

/** OTEL_RESOURCE_ATTRIBUTES where a provider of the mesh enriches spans by OpenTelemetry's conventions (injector.md §9). */
export function otelEnv(input: TemplateInput): readonly JsonObject[] {
  if (!input.context.settings.meshFields.otelSemanticConventions) return []
  const attributes = [
    ['service.namespace', serviceNamespace(input)],
    ['service.version', serviceVersion(input.pod)],
    ['service.instance.id', serviceInstance(input)],
  ] as const
  const value = attributes.flatMap(([name, attribute]) => (attribute === '' ? [] : [`${name}=${attribute}`])).join(',')
  return [{ name: 'OTEL_RESOURCE_ATTRIBUTES', value }]
}

function serviceNamespace({ pod, context }: TemplateInput): string {
  return annotation(pod, 'resource.opentelemetry.io/service.namespace') ?? context.podNamespace
}

function serviceVersion(pod: JsonObject): string {
  const said = annotation(pod, 'resource.opentelemetry.io/service.version') ?? label(pod, 'app.kubernetes.io/version')
  if (said !== undefined) return said
  const containers = containersOf(pod, 'containers')
  if (containers.length !== 1) return ''
  const { tag, digest } = imageTagDigest(stringOr(containers[0]?.['image']) ?? '')
  return [tag, digest].filter((part) => part !== '').join('@')
}

function serviceInstance({ pod, context }: TemplateInput): string {
  const first = stringOr(containersOf(pod, 'containers')[0]?.['name']) ?? ''
  return (
    annotation(pod, 'resource.opentelemetry.io/service.instance.id') ?? `${context.podNamespace}.$(POD_NAME).${first}`
  )
}
