import { statSync } from 'node:fs'
import type { Reason } from '../../core/vocabulary/reasons.ts'
import type { NetnsWorker } from '../../edge/host/netns-worker.ts'
import type { Logger } from '../../edge/telemetry/logger.ts'
import { Alarms } from '../alarms.ts'
import type { Journal } from './journal.ts'
import { type Loop, periodic, reportTurn } from './loop.ts'
import type { NodeParts } from './node-parts.ts'

const ALARMS_MS = 5_000
const JOURNAL_MS = 30_000
/** Kernel modules come and go: what the node can do is tried again with real rules in namespaces made for it. */
const SELF_TEST_MS = 300_000
/** A node that found no way is refused every promised pod meanwhile: it may have been only busy, so it tries again soon. */
const SELF_TEST_AGAIN_MS = 10_000
/** Knowledge of pods that is older is an alarm: bookmarks come once a minute. */
const PODS_STALE_MS = 120_000

/** Looks for alarms, of the node itself and of `others`, and ends the process where the thread for namespaces has ended. */
export function alarmsLoop(parts: NodeParts, others: () => readonly Reason[]): Loop {
  const { log, metrics, worker } = parts
  const alarms = new Alarms(log, (reason, count) => metrics.set('sluice_alarms', { reason }, count))
  const startedAt = performance.now()
  return periodic({
    name: 'alarms',
    everyMs: ALARMS_MS,
    turn: () => {
      alarms.observe([...nodeAlarms(parts, startedAt), ...others()])
      endWithoutThread(worker, log)
    },
    report: reportTurn(log, 'alarms'),
  })
}

function nodeAlarms({ pods, journal, redirector, installer }: NodeParts, startedAt: number): readonly Reason[] {
  const { picked } = redirector
  // just started is no alarm yet
  const ageMs = Math.min(pods.ageMs, performance.now() - startedAt)
  return [
    ...(ageMs > PODS_STALE_MS
      ? [{ code: 'pods_unknown', args: { seconds: Math.round(pods.ageMs / 1000) } } as const]
      : []),
    ...(journal.unwritten === null
      ? []
      : [{ code: 'journal_unwritten', args: { problem: journal.unwritten } } as const]),
    ...(picked.is === 'picked' ? [] : [picked.reason]),
    ...installer.alarms(),
  ]
}

/** Without its thread an agent can redirect and measure nothing, though its loops turn: another process can. */
function endWithoutThread({ ended }: NetnsWorker, log: Logger): void {
  if (ended === undefined) return
  log.fatal({ err: ended }, 'the thread for network namespaces has ended: stopping, to be started anew')
  stopProcess()
}

/** Asks this process to stop, as the kubelet does, which then starts another one. */
export function stopProcess(): void {
  process.kill(process.pid, 'SIGTERM')
}

/** Drops from the journal the pods whose network namespace is gone, and writes what could not be written before. */
export function journalLoop({ journal, log }: NodeParts): Loop {
  return periodic({
    name: 'journal',
    everyMs: JOURNAL_MS,
    turn: () => forgetGone(journal),
    report: reportTurn(log, 'journal'),
  })
}

function forgetGone(journal: Journal): void {
  for (const { uid, netnsPath, netnsId } of journal.all()) {
    const there = statSync(netnsPath, { bigint: true, throwIfNoEntry: false })
    if (there === undefined || `${there.dev}:${there.ino}` !== netnsId) journal.remove(uid)
  }
  journal.write()
}

/** Tries again what the node can do. The caller has tried it once, a moment ago. */
export function selfTestLoop({ redirector, log }: NodeParts): Loop {
  let triedAt = performance.now()
  return periodic({
    name: 'self-test',
    everyMs: SELF_TEST_AGAIN_MS,
    turn: async () => {
      if (redirector.picked.is === 'picked' && performance.now() - triedAt < SELF_TEST_MS) return
      await redirector.tryNode()
      triedAt = performance.now()
    },
    report: reportTurn(log, 'self-test'),
  })
}
