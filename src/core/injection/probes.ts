import { embeddedJson } from '../json/parse.ts'
import type { JsonObject } from '../json/value.ts'
import { isObject, objectsOf, stringOr } from '../json/value.ts'
import { goBoolean, trimmed } from '../vocabulary/grammars.ts'
import { CONTAINERS } from '../vocabulary/names.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import type { AppProbe } from './app-probes.ts'
import { mapAppProbes } from './app-probes.ts'
import type { InjectionContext, Step } from './draft.ts'
import { annotation, LISTS, mapContainers, mapProxy, proxyOf, withoutKey } from './pod-parts.ts'

/** What the agent does for each of its paths, as compact JSON. */
const RECORD = 'ISTIO_KUBE_APP_PROBERS'

/**
 * Points the kubelet's checks of the application at the agent, which does them from inside the pod: under mutual TLS the
 * kubelet could not. A check that the agent could not do is left alone (quirk 6), and so are all where the pod has no
 * status port (quirk 7).
 */
export const REWRITE_PROBES: Step = {
  name: 'rewrite-probes',
  follows: 'injector.md §12; quirks 6 and 7',
  apply(draft, context) {
    const { pod } = draft
    if (proxyOf(pod) === undefined || !wantsRewrite(pod, context)) return draft
    const { statusPort } = context.settings.meshFields
    const asked = annotation(pod, 'status.sidecar.istio.io/port')
    const port = asked === undefined ? statusPort : Number(trimmed(asked))
    const found = new Map<string, JsonObject>()
    const warnings: Reason[] = []
    const visit = (handler: JsonObject, probe: AppProbe): JsonObject => {
      if (probe.entry === undefined || port === 0) {
        const left = leftAlone(probe)
        if (left !== undefined) warnings.push(left)
        return handler
      }
      found.set(probe.path, probe.entry)
      return atAgent(handler, probe, port)
    }
    const rewritten = LISTS.toReversed().reduce(
      (done, list) => mapContainers(done, list, (one) => (isProxy(one) ? one : mapAppProbes(one, statusPort, visit))),
      pod,
    )
    return { ...draft, pod: withRecord(rewritten, found), warnings: [...draft.warnings, ...warnings] }
  },
}

function isProxy(container: JsonObject): boolean {
  return container['name'] === CONTAINERS.proxy
}

/** A template may say it too, so this is asked of the pod as it has become. */
function wantsRewrite(pod: JsonObject, context: InjectionContext): boolean {
  const asked = goBoolean(annotation(pod, 'sidecar.istio.io/rewriteAppHTTPProbers') ?? '')
  return asked ?? context.settings.injectorValues.sidecarInjectorWebhook.rewriteAppHTTPProbe
}

function leftAlone({ problem, field, port }: AppProbe): Reason | undefined {
  if (problem === 'rewritten') return undefined
  if (problem === undefined) return { code: 'probe_without_status_port', args: { probe: field } }
  return { code: 'probe_not_rewritten', args: { probe: field, port: JSON.stringify(port), problem: PROBLEMS[problem] } }
}

const PROBLEMS = {
  'unknown-port': 'is the name of no port of the container',
  'agent-port': 'is the port of the agent itself',
} as const

/** The check as the kubelet shall do it: a request to the agent, which never speaks TLS. */
function atAgent(handler: JsonObject, probe: AppProbe, port: number): JsonObject {
  const before = isObject(handler['httpGet']) ? handler['httpGet'] : {}
  const scheme = before['scheme'] === 'HTTPS' ? { scheme: 'HTTP' } : {}
  const rest = withoutKey(withoutKey(handler, 'tcpSocket'), 'grpc')
  return { ...rest, httpGet: { ...before, path: probe.path, port, ...scheme } }
}

function withRecord(pod: JsonObject, found: ReadonlyMap<string, JsonObject>): JsonObject {
  if (found.size === 0) return pod
  const sorted = [...found].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const variable = { name: RECORD, value: JSON.stringify(Object.fromEntries(sorted)) }
  return mapProxy(pod, (proxy) => ({ ...proxy, env: [...objectsOf(proxy['env']), variable] }))
}

/** `pod` with the checks that an earlier injection rewrote as its author wrote them; `proxy` is the one of that injection. */
export function restoreProbes(pod: JsonObject, proxy: JsonObject | undefined): JsonObject {
  const record = recordOf(proxy)
  const visit = (handler: JsonObject, probe: AppProbe): JsonObject => {
    const entry = probe.problem === 'rewritten' ? record.get(probe.path) : undefined
    return entry === undefined ? handler : { ...withoutKey(handler, 'httpGet'), ...withoutKey(entry, 'timeoutSeconds') }
  }
  return LISTS.reduce((done, list) => mapContainers(done, list, (one) => mapAppProbes(one, 0, visit)), pod)
}

function recordOf(proxy: JsonObject | undefined): ReadonlyMap<string, JsonObject> {
  const variable = objectsOf(proxy?.['env']).find((one) => one['name'] === RECORD)
  const record = embeddedJson(stringOr(variable?.['value']) ?? '')
  return new Map(
    Object.entries(isObject(record) ? record : {}).filter((entry): entry is [string, JsonObject] => isObject(entry[1])),
  )
}
