import type { JsonObject } from '../../json/value.ts'
import type { InjectionContext } from '../draft.ts'
import type { Workload } from '../workload.ts'

/** The user and group that the proxy runs as where nothing else decides (injector.md §13). */
export interface ProxyIds {
  readonly uid: number
  readonly gid: number
}

/** What every template of a pod is rendered from: the pod before any template, less a previous injection (§8). */
export interface TemplateInput {
  readonly pod: JsonObject
  readonly context: InjectionContext
  /** the effective ProxyConfig of the pod, proto-JSON (§5) */
  readonly proxyConfig: JsonObject
  /** does the proxy run as a native sidecar (§10)? */
  readonly native: boolean
  readonly workload: Workload
  readonly ids: ProxyIds
}

/**
 * What a template says about the pod: `{ metadata?, spec? }`, to be strategic-merged onto it; a null deletes. Throws
 * `InjectionRefusal` where the template cannot serve a pod.
 */
export type Template = (input: TemplateInput) => JsonObject
