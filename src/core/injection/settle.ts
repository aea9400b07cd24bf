import { labelsOf } from '../json/pod.ts'
import type { JsonObject } from '../json/value.ts'
import { isObject, objectOr } from '../json/value.ts'
import { effectiveProxyConfig } from '../settings/effective-proxy-config.ts'
import type { ProtoReading } from '../settings/proto-json.ts'
import { EMPTY_LAYER, parseProxyConfig } from '../settings/proxy-config.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import type { Draft, InjectionContext, Step } from './draft.ts'
import { annotation } from './pod-parts.ts'

/** What templates and later steps ask of the whole pod: its ProxyConfig, and whether its proxy is a native sidecar. */
export const SETTLE: Step = {
  name: 'settle',
  follows: 'injector.md §5, §10',
  apply(draft, context) {
    const text = annotation(draft.original, 'proxy.istio.io/config')
    const layer = text === undefined ? EMPTY_LAYER : parseProxyConfig(text)
    const proxyConfig = effectiveProxyConfig(context.settings, {
      namespace: context.podNamespace,
      labels: labelsOf(draft.original),
      annotation: layer.message,
    })
    const warnings = cautions(layer, context.settings.meshFields.defaultConfig)
    return {
      ...draft,
      proxyConfig,
      native: isNative(draft, context),
      warnings: [...draft.warnings, ...warnings],
    }
  },
}

/** Any text but "false" is on; an empty one asks nothing. */
function isNative(draft: Draft, context: InjectionContext): boolean {
  const wish = annotation(draft.original, 'sidecar.istio.io/nativeSidecar') ?? ''
  return wish === '' ? context.nativeSidecars : wish !== 'false'
}

/** What the author of the annotation may not have meant: typing errors, and layers that do not merge (quirks 33, 34). */
function cautions({ message, unknown, zeros }: ProtoReading, mesh: JsonObject): readonly Reason[] {
  const lost = (field: string): readonly string[] => {
    const [upper, lower] = [message[field], objectOr(mesh[field])]
    return isObject(upper) ? Object.keys(lower).filter((key) => !Object.hasOwn(upper, key)) : []
  }
  const kept = zeros.filter((field) => mesh[field] !== undefined)
  return [
    ...named('proxy_config_unknown', unknown),
    ...named('proxy_config_zero', kept),
    ...named('tracing_replaced', lost('tracing')),
    ...named('runtime_values_replaced', lost('runtimeValues')),
  ]
}

function named(
  code: 'proxy_config_unknown' | 'proxy_config_zero' | 'tracing_replaced' | 'runtime_values_replaced',
  fields: readonly string[],
): readonly Reason[] {
  return fields.length === 0 ? [] : [{ code, args: { fields: fields.toSorted().join(', ') } }]
}
