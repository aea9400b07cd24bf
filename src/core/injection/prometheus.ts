import { embeddedJson } from '../json/parse.ts'
import type { JsonObject } from '../json/value.ts'
import { annotationsOf, withAnnotations } from '../json/pod.ts'
import { objectOr, objectsOf, stringOr } from '../json/value.ts'
import { goBoolean, trimmed } from '../vocabulary/grammars.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import { RESERVED_PORTS } from '../vocabulary/ports.ts'
import type { Draft, InjectionContext, Step } from './draft.ts'
import { annotation, mapProxy, proxyOf } from './pod-parts.ts'
import { InjectionRefusal } from './refusal.ts'

/** Where the agent of the proxy serves the merged metrics. */
const MERGED_PATH = '/stats/prometheus'
/** Tells the agent where the application's own metrics are. */
const RECORD = 'ISTIO_PROMETHEUS_ANNOTATIONS'
const DEFAULT_PATH = '/metrics'
/** Names of a key that Prometheus knows in several spellings, all of which it reads as this one. */
const SCRAPE = 'prometheus_io_scrape'
const PORT = 'prometheus_io_port'
const PATH = 'prometheus_io_path'
const TARGETS = 'prometheus_istio_io_scrape_targets'
const SECURE_PORT = 'prometheus_istio_io_secure_port'

/** One endpoint of the application. */
export interface ScrapeTarget {
  readonly port: string
  readonly path: string
}

/** A key as Prometheus' own relabelling sees it. */
export function sanitizedKey(key: string): string {
  return key.replace(/[^a-zA-Z0-9_]/g, '_')
}

/** The targets of a list `port[:path]` by commas; undefined where an item names no port. */
export function scrapeTargets(list: string): readonly ScrapeTarget[] | undefined {
  const items = list.split(',').map(trimmed)
  const targets = items.filter((item) => item !== '').map(scrapeTarget)
  return targets.every((target) => target.port !== '') ? targets : undefined
}

function scrapeTarget(item: string): ScrapeTarget {
  const at = item.indexOf(':')
  const path = at < 0 ? '' : trimmed(item.slice(at + 1))
  return { port: trimmed(at < 0 ? item : item.slice(0, at)), path: path === '' ? DEFAULT_PATH : path }
}

/** Lets Prometheus scrape the agent, which serves the application's metrics beside the proxy's. */
export const MERGE_PROMETHEUS: Step = {
  name: 'merge-prometheus',
  follows: 'injector.md §12',
  apply(draft, context) {
    const statusPort = String(context.settings.meshFields.statusPort)
    const asked = askedOf(draft.pod)
    if (!wantsMerge(draft.pod, context) || asked.get(PORT) === statusPort) return draft
    const list = asked.get(TARGETS) ?? ''
    const targets = scrapeTargets(list)
    checkPorts(targets ?? [], asked.get(PORT) ?? '', statusPort)
    const merged = {
      'prometheus.io/port': statusPort,
      'prometheus.io/path': MERGED_PATH,
      'prometheus.io/scrape': 'true',
    }
    const pod = withAnnotations(rememberForAgent(draft.pod, asked, targets ?? []), {
      ...Object.fromEntries(keysOf(draft.pod, [SCRAPE, PORT, PATH, TARGETS]).map((key) => [key, undefined])),
      ...merged,
    })
    if (targets !== undefined) return { ...draft, pod }
    const ignored: Reason = { code: 'scrape_targets_ignored', args: { value: list } }
    return { ...draft, pod, warnings: [...draft.warnings, ignored] }
  },
}

/** What the pod's annotations ask for, by sanitized key; of several spellings the last in order counts. */
function askedOf(pod: JsonObject): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(annotationsOf(pod))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => [sanitizedKey(key), value]),
  )
}

function keysOf(pod: JsonObject, sanitized: readonly string[]): readonly string[] {
  return Object.keys(annotationsOf(pod)).filter((key) => sanitized.includes(sanitizedKey(key)))
}

function wantsMerge(pod: JsonObject, context: InjectionContext): boolean {
  const annotations = annotationsOf(pod)
  if (keysOf(pod, [SCRAPE]).some((key) => goBoolean(annotations[key] ?? '') === false)) return false
  const wish = annotation(pod, 'prometheus.istio.io/merge-metrics')
  return goBoolean(wish ?? '') ?? context.settings.meshFields.enablePrometheusMerge
}

function checkPorts(targets: readonly ScrapeTarget[], port: string, statusPort: string): void {
  const ports = targets.length > 0 ? targets.map((target) => target.port) : port === '' ? [] : [port]
  for (const one of ports) {
    const problem = problemOfPort(one, statusPort)
    if (problem !== undefined) throw new InjectionRefusal({ code: 'scrape_port_invalid', args: { port: one, problem } })
  }
}

function problemOfPort(port: string, statusPort: string): string | undefined {
  const number = /^\d{1,5}$/.test(port) ? Number(port) : 0
  if (number < 1 || number > 65535) return 'is no number from 1 to 65535'
  if (String(number) === statusPort) return 'is the port of the merged metrics themselves'
  if (RESERVED_PORTS.includes(number)) return 'belongs to the proxy'
  return undefined
}

function rememberForAgent(
  pod: JsonObject,
  asked: ReadonlyMap<string, string>,
  targets: readonly ScrapeTarget[],
): JsonObject {
  const first = targets[0] ?? { port: asked.get(PORT) ?? '', path: asked.get(PATH) ?? '' }
  const scrape = asked.get(SCRAPE) ?? ''
  if (scrape === '' && first.port === '' && first.path === '') return pod
  const settings = { scrape, path: first.path, port: first.port, ...(targets.length > 0 ? { targets } : {}) }
  const variable = { name: RECORD, value: JSON.stringify(settings) }
  return mapProxy(pod, (proxy) => ({ ...proxy, env: [...objectsOf(proxy['env']), variable] }))
}

/** Tells Prometheus the port that the proxy serves the merged metrics on over TLS, where its environment sets one. */
export const SECURE_PORT_ANNOTATION: Step = {
  name: 'secure-port',
  follows: 'injector.md §12',
  apply(draft) {
    if (keysOf(draft.pod, [SECURE_PORT]).length > 0) return draft
    const port = securePortOf(draft)
    if (port === undefined) return draft
    return { ...draft, pod: withAnnotations(draft.pod, { 'prometheus.istio.io/secure-port': port }) }
  },
}

/**
 * `pod` with the annotations for Prometheus as its author wrote them, where an earlier injection replaced them; `proxy` is
 * the one of that injection.
 */
export function restoreMetrics(pod: JsonObject, proxy: JsonObject | undefined): JsonObject {
  if (askedOf(pod).get(PATH) !== MERGED_PATH) return pod
  const record = recordOf(proxy)
  const targets = objectsOf(record['targets']).map(
    (one) => `${stringOr(one['port']) ?? ''}:${stringOr(one['path']) ?? ''}`,
  )
  const own =
    targets.length > 0
      ? { 'prometheus.istio.io/scrape-targets': targets.join(',') }
      : {
          'prometheus.io/port': unlessBlank(stringOr(record['port'])),
          'prometheus.io/path': unlessBlank(stringOr(record['path'])),
        }
  return withAnnotations(pod, {
    ...Object.fromEntries(keysOf(pod, [SCRAPE, PORT, PATH]).map((key) => [key, undefined])),
    'prometheus.io/scrape': unlessBlank(stringOr(record['scrape'])),
    ...own,
  })
}

function recordOf(proxy: JsonObject | undefined): JsonObject {
  const variable = objectsOf(proxy?.['env']).find((one) => one['name'] === RECORD)
  return objectOr(embeddedJson(stringOr(variable?.['value']) ?? ''))
}

function unlessBlank(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}

function securePortOf(draft: Draft): string | undefined {
  return objectsOf(proxyOf(draft.pod)?.['env'])
    .filter((variable) => variable['name'] === 'ENVOY_SECURE_MERGED_METRICS_PORT')
    .map((variable) => stringOr(variable['value']) ?? '')
    .find((value) => value !== '' && value !== '0')
}
