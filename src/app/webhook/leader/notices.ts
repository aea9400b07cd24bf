import { eventName, isDue, type Notice, noteOf } from '../../../core/repair/notice.ts'
import type { ClusterClient } from '../../../edge/cluster/client.ts'
import { tellEvent } from './events.ts'
import type { LeaderParts } from './parts.ts'
import { Spending } from './spending.ts'

/** Events of a minute: a fault of many pods at once must not fill the API server's memory of events; alarms count it anyway. */
const EVENTS_PER_MINUTE = 60
/** One node with much to say leaves room for the others. */
const EVENTS_PER_NODE_AND_MINUTE = 20

interface Told {
  /** which news it was */
  readonly news: string
  readonly is: Notice['is']
}

/**
 * Tells the owners of pods what the agents measured, as events: no agent may write them, since its token must not be worth more
 * than its node. Each piece of news is told once, as long as the budget of its node and that of all nodes last; the rest waits,
 * and what is over before its turn comes is counted as dropped.
 */
export class Notices {
  readonly #parts: LeaderParts
  readonly #told = new Map<string, Told>()
  #waiting: ReadonlySet<string> = new Set()
  /** events that were tried */
  readonly #spent: Spending

  constructor(parts: LeaderParts) {
    this.#parts = parts
    this.#spent = new Spending(parts)
  }

  /** Was it told last that the pod `uid` is not redirected? */
  readonly wasBad = (uid: string): boolean => {
    const is = this.#told.get(uid)?.is
    return is === 'bad' || is === 'unknown'
  }

  /** Tells what is new among `notices`, of nodes whose agent is believed; false where something is left to tell. */
  async turn(
    client: ClusterClient,
    notices: readonly Notice[],
    nodes: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<boolean> {
    this.#forgetOthersThan(notices)
    const nowMs = this.#parts.now().getTime()
    const news = notices.filter(
      (notice) => nodes.has(notice.node) && isDue(notice, nowMs) && this.#told.get(notice.uid)?.news !== newsOf(notice),
    )
    const waiting = new Set(news.map(newsOf))
    for (const one of this.#waiting) if (!waiting.has(one)) this.#parts.metrics.add('sluice_events_dropped_total', {})
    this.#waiting = waiting
    for (const notice of this.#spent.inTurns(news)) {
      if (this.#spent.total >= EVENTS_PER_MINUTE) break
      if (this.#spent.of(notice.node) >= EVENTS_PER_NODE_AND_MINUTE) continue
      const { uid, is } = notice
      if (!(await this.#tell(client, notice, signal))) continue
      this.#told.set(uid, { news: newsOf(notice), is })
      waiting.delete(newsOf(notice))
    }
    return waiting.size === 0
  }

  async #tell(client: ClusterClient, notice: Notice, signal: AbortSignal): Promise<boolean> {
    this.#spent.add(notice.node)
    const { is, code, sinceMs, namespace, name, uid } = notice
    const nowMs = this.#parts.now().getTime()
    const event = {
      eventName: eventName(notice),
      pod: { namespace, name, uid },
      type: is === 'mended' ? ('Normal' as const) : ('Warning' as const),
      reason: code,
      action: 'Measure',
      note: noteOf(notice),
      // the clock of a node may be ahead
      at: new Date(Math.min(sinceMs ?? nowMs, nowMs)),
    }
    const result = await tellEvent(client, event, this.#parts, signal)
    return result === 'done' || result === 'gone'
  }

  #forgetOthersThan(notices: readonly Notice[]): void {
    const there = new Set(notices.map(({ uid }) => uid))
    for (const uid of this.#told.keys()) if (!there.has(uid)) this.#told.delete(uid)
  }
}

/** The same as long as nothing changed: what is measured again and again is no news. */
function newsOf({ uid, is, code, sinceMs }: Notice): string {
  return `${uid} ${is} ${code} ${sinceMs ?? ''}`
}
