import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import type { Page } from './page-server.ts'

/** One metric as its table describes it. */
export interface MetricDescription {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
  readonly buckets?: readonly number[]
}

type Table = Readonly<Record<string, MetricDescription>>
type NamesOf<T extends Table, K extends MetricDescription['type']> = {
  [N in keyof T]: T[N]['type'] extends K ? N : never
}[keyof T] &
  string
type LabelsOf<T extends Table, N extends keyof T> = Readonly<Record<T[N]['labels'][number], string>>

/** The metrics of one process, made from a table: a name or label that is not in the table does not compile. */
export interface Metrics<T extends Table> {
  readonly add: <N extends NamesOf<T, 'counter'>>(name: N, labels: LabelsOf<T, N>, amount?: number) => void
  readonly set: <N extends NamesOf<T, 'gauge'>>(name: N, labels: LabelsOf<T, N>, value: number) => void
  readonly observe: <N extends NamesOf<T, 'histogram'>>(name: N, labels: LabelsOf<T, N>, value: number) => void
  /** everything in Prometheus's text format */
  readonly text: () => Promise<string>
  readonly contentType: string
}

/**
 * Registers every row of `table` and the figures of the process (CPU, memory, file descriptors). A metric without labels is
 * there from the start with the value 0, so that an alert on it never rests on an absent series.
 */
export function createMetrics<const T extends Table>(table: T): Metrics<T> {
  const register = new Registry()
  collectDefaultMetrics({ register })
  const counters = new Map<string, Counter>()
  const gauges = new Map<string, Gauge>()
  const histograms = new Map<string, Histogram>()
  for (const [name, { type, help, labels, buckets }] of Object.entries(table)) {
    const common = { name, help, labelNames: labels, registers: [register] }
    if (type === 'counter') counters.set(name, new Counter(common))
    else if (type === 'gauge') gauges.set(name, new Gauge(common))
    else histograms.set(name, new Histogram({ ...common, buckets: [...(buckets ?? [])] }))
  }
  return {
    add: (name, labels, amount = 1) => counters.get(name)?.inc(labels, amount),
    set: (name, labels, value) => gauges.get(name)?.set(labels, value),
    observe: (name, labels, value) => histograms.get(name)?.observe(labels, value),
    text: async () => await register.metrics(),
    contentType: register.contentType,
  }
}

/** Everything in `metrics`, as a scraper reads it. */
export async function metricsPage({ contentType, text }: Metrics<Table>): Promise<Page> {
  return { status: 200, type: contentType, text: await text() }
}
