import { mapValues } from '../../json/map-values.ts'
import { isList, isObject, type Json, type JsonObject } from '../../json/value.ts'

/** Fields of a container whose zero is the same as not being there; others tell 0 and false from absent, such as runAsUser. */
const ZEROS: Readonly<Record<string, Json>> = {
  failureThreshold: 0,
  hostPort: 0,
  initialDelaySeconds: 0,
  periodSeconds: 0,
  successThreshold: 0,
  timeoutSeconds: 0,
  stdin: false,
  stdinOnce: false,
  tty: false,
  readOnly: false,
}

/**
 * A container as Istio reads it into a typed one before it merges it: null, an empty text, an empty list and the zeros above
 * say nothing, so what a template says stays (injector.md §8). The very same object where there are none.
 */
export function withoutZeroValues(container: JsonObject): JsonObject {
  return mapValues(container, (key, value) => (saysNothing(key, value) ? undefined : inner(value)))
}

function saysNothing(key: string, value: Json | undefined): boolean {
  if (value === undefined || value === null || value === '') return true
  if (isList(value)) return value.length === 0
  return Object.hasOwn(ZEROS, key) && ZEROS[key] === value
}

function inner(value: Json | undefined): Json | undefined {
  if (isObject(value)) return withoutZeroValues(value)
  if (!isList(value)) return value
  const kept = value.map((element) => (isObject(element) ? withoutZeroValues(element) : element))
  return kept.every((element, at) => element === value[at]) ? value : kept
}
