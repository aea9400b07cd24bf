import type { Json, JsonObject } from '../../json/value.ts'
import { isObject } from '../../json/value.ts'
import { annotation } from '../pod-parts.ts'
import { present, unlessBare } from './present.ts'
import type { TemplateInput } from './template.ts'

/** The resources of proxy and init container: where the pod names any, only those; else the settings' (injector.md §6). */
export function resourcesOf(input: TemplateInput): JsonObject {
  const { pod } = input
  const requests = present({
    cpu: annotation(pod, 'sidecar.istio.io/proxyCPU'),
    memory: annotation(pod, 'sidecar.istio.io/proxyMemory'),
  })
  const limits = present({
    cpu: annotation(pod, 'sidecar.istio.io/proxyCPULimit'),
    memory: annotation(pod, 'sidecar.istio.io/proxyMemoryLimit'),
  })
  const asked = present({ requests: unlessBare(requests), limits: unlessBare(limits) })
  return unlessBare(asked) ?? withoutNulls(input.context.settings.injectorValues.global.proxy.resources)
}

/** Nulls take a default of the chart away, and maps that become empty by it. */
function withoutNulls(resources: JsonObject): JsonObject {
  return present(Object.fromEntries(Object.entries(resources).map(([key, value]) => [key, kept(value)])))
}

function kept(value: Json | undefined): Json | undefined {
  if (value === null) return undefined
  return isObject(value) ? unlessBare(withoutNulls(value)) : value
}
