import { embeddedJson } from '../../json/parse.ts'
import type { Json, JsonObject } from '../../json/value.ts'
import { isList, isObject } from '../../json/value.ts'
import type { AnnotationName } from '../../vocabulary/annotations.ts'
import { annotation } from '../pod-parts.ts'
import { problemOfOverlay } from './overlay-fields.ts'
import { InjectionRefusal } from '../refusal.ts'

/**
 * The entries of an annotation that holds a JSON map, sorted by name, or a list, named by its index. None where the
 * annotation is absent; throws `InjectionRefusal` where it holds something else.
 */
export function jsonAnnotation(
  pod: JsonObject,
  name: AnnotationName,
  template: string,
): readonly (readonly [string, Json])[] {
  const text = annotation(pod, name)
  if (text === undefined) return []
  const value = embeddedJson(text)
  if (value === null) return []
  if (isList(value)) return value.map((entry, index) => [String(index), entry] as const)
  if (isObject(value)) {
    return Object.entries(value)
      .flatMap(([key, entry]) => (entry === undefined ? [] : [[key, entry] as const]))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
  }
  throw refusal(template, name, 'is neither a JSON map nor a JSON list')
}

/**
 * As `jsonAnnotation`, for volumes and mounts: each with its name, unless it says another. A wrong type is refused here, where
 * the annotation can be named.
 */
export function namedEntries(
  pod: JsonObject,
  name: 'sidecar.istio.io/userVolume' | 'sidecar.istio.io/userVolumeMount',
  template: string,
): readonly JsonObject[] {
  const entries = jsonAnnotation(pod, name, template).map(([key, entry]) => {
    if (!isObject(entry)) throw refusal(template, name, `has at ${JSON.stringify(key)} something that is no map`)
    return { name: key, ...entry }
  })
  const problem = problemOfOverlay({
    spec: name === 'sidecar.istio.io/userVolume' ? { volumes: entries } : { containers: [{ volumeMounts: entries }] },
  })
  if (problem !== undefined) throw refusal(template, name, `has a wrong type: ${problem}`)
  return entries
}

function refusal(template: string, name: AnnotationName, problem: string): InjectionRefusal {
  return new InjectionRefusal({
    code: 'template_failed',
    args: { template, problem: `the annotation ${name} ${problem}` },
  })
}
