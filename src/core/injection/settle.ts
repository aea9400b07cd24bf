import type { JsonObject } from '../json/value.ts'
import { objectOr, stringMap } from '../json/value.ts'
import { effectiveProxyConfig } from '../settings/effective-proxy-config.ts'
import { parseProxyConfig } from '../settings/proxy-config.ts'
import type { Draft, InjectionContext, Step } from './draft.ts'
import { annotation } from './pod-parts.ts'

/** What templates and later steps ask of the whole pod: its ProxyConfig, and whether its proxy is a native sidecar. */
export const SETTLE: Step = {
  name: 'settle',
  follows: 'injector.md §5, §10',
  apply: (draft, context) => ({
    ...draft,
    proxyConfig: proxyConfigOf(draft.original, context),
    native: isNative(draft, context),
  }),
}

function proxyConfigOf(pod: JsonObject, context: InjectionContext): JsonObject {
  const text = annotation(pod, 'proxy.istio.io/config')
  return effectiveProxyConfig(context.settings, {
    namespace: context.podNamespace,
    labels: stringMap(objectOr(pod['metadata'])['labels']),
    annotation: text === undefined ? {} : parseProxyConfig(text).message,
  })
}

/** Any text but "false" is on; an empty one asks nothing. */
function isNative(draft: Draft, context: InjectionContext): boolean {
  const wish = annotation(draft.original, 'sidecar.istio.io/nativeSidecar') ?? ''
  return wish === '' ? context.nativeSidecars : wish !== 'false'
}
