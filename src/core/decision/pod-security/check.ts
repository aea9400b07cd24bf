import { containersOf, specOf } from '../../json/pod.ts'
import type { Json, JsonObject } from '../../json/value.ts'
import { isList, isObject, objectOr, stringOr } from '../../json/value.ts'

/** What a check found, and where. */
export interface Finding {
  readonly subject: string
  readonly detail: string
}

/** One check of the Pod Security Standards, by its id in Kubernetes. */
export interface Check {
  readonly id: string
  /** the check of the baseline level that this one of the restricted level stands for */
  readonly replaces?: string
  readonly find: (pod: JsonObject) => readonly Finding[]
}

/** The security context of the pod itself. */
export function podContext(pod: JsonObject): JsonObject {
  return objectOr(specOf(pod)['securityContext'])
}

/** Findings in each container: `look` gives what is wrong with one, or undefined. */
export function inContainers(pod: JsonObject, look: (container: JsonObject) => string | undefined): readonly Finding[] {
  return containersOf(pod).flatMap(({ name, container }) => found(`container ${name}`, look(container)))
}

/** Findings in the security contexts of the pod and of each container. */
export function inContexts(
  pod: JsonObject,
  look: (securityContext: JsonObject) => string | undefined,
): readonly Finding[] {
  return [
    ...found('pod', look(podContext(pod))),
    ...inContainers(pod, (container) => look(objectOr(container['securityContext']))),
  ]
}

/** A finding, unless there is nothing to say. */
export function found(subject: string, detail: string | undefined): readonly Finding[] {
  return detail === undefined ? [] : [{ subject, detail }]
}

/** Is the field there? Kubernetes treats null as absent. */
export function isSet(value: Json | undefined): boolean {
  return value !== undefined && value !== null
}

/** `field=value` for each text of a list that `isBad`, or undefined where there is none. */
export function badOf(list: Json | undefined, field: string, isBad: (text: string) => boolean): string | undefined {
  const bad = isList(list) ? list.filter((entry) => typeof entry === 'string').filter(isBad) : []
  return bad.length === 0 ? undefined : `${field}=${bad.join(',')}`
}

/** `type` of a profile object such as seccompProfile; undefined where there is no profile. */
export function profileType(profile: Json | undefined): string | undefined {
  return isObject(profile) ? (stringOr(profile['type']) ?? '') : undefined
}
