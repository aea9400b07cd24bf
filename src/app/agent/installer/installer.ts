import { statSync } from 'node:fs'
import { join } from 'node:path'
import { causeOf, mainPluginOf } from '../../../core/conflist/cause.ts'
import { typeOf } from '../../../core/conflist/configuration.ts'
import { type Placement, type Plan, plan, planRemoval, type Step, type Wish } from '../../../core/conflist/plan.ts'
import { type Directory, formOf } from '../../../core/conflist/select.ts'
import type { JsonObject } from '../../../core/json/value.ts'
import { levelOf, type Reason } from '../../../core/vocabulary/reasons.ts'
import { removeUnfinished } from '../../../edge/files/replace-file.ts'
import { DirectoryWatch } from '../../../edge/files/watch-directories.ts'
import { messageOf } from '../../../edge/message-of.ts'
import type { Loop } from '../loop.ts'
import { PluginBinary } from './binary.ts'
import { applySteps, isAbsent, readDirectory } from './directory.ts'
import { exclusiveIn } from './exclusive.ts'
import { type InstallerEvent, InstallerHistory } from './history.ts'
import { inNodeNames, type NodeName, reasonInNodeNames } from './node-names.ts'
import { markerOf, uninstalledUntil, unmarkUninstalled } from './uninstalled.ts'

/** What an installer depends on. */
export interface InstallerOptions {
  /** the plugin's executable as the image has it */
  readonly source: string
  /** where it is to be on the node */
  readonly plugin: string
  readonly confDir: string
  readonly placement: Placement
  /** what is told is told in the names of the node */
  readonly nodeNames: readonly NodeName[]
  /** our entry: a plugin's object with its `type` */
  readonly entry: JsonObject
  /** file of the history */
  readonly history: string
  /** told of each change that was made */
  readonly report: (event: InstallerEvent) => void
  /** told of a turn that failed by a bug; the next one comes in its time */
  readonly failed: (error: unknown) => void
  /** the wall clock: what is kept outlives the process */
  readonly now: () => Date
  /** compares at least so often, whatever the watch says */
  readonly everyMs?: number
}

/** Whether pods of the node come by the plugin, and why not. */
export interface InstallerState {
  readonly ready: boolean
  readonly reason: Reason
  /** where the entry is; null where it is nowhere */
  readonly file: string | null
  /** what a person should know although it works */
  readonly warnings: readonly Reason[]
}

const EVERY_MS = 1_500
const STALE_MS = 120_000
/** more repairs than this within the time are a fight */
const MOST_REPAIRS = 5
const FIGHT_MINUTES = 10
/** how often one turn plans anew because somebody else was writing */
const TRIES = 3

/**
 * Keeps the plugin and its entry in place on one node: compares what is there with what is wished for, at each hint of a
 * change and every other second, and writes only where they differ. It never ends by taking anything away: that is
 * `sluice uninstall`, an explicit act.
 */
export class Installer implements Loop {
  readonly name = 'installer'
  readonly staleMs = STALE_MS
  readonly #options: InstallerOptions
  readonly #binary: PluginBinary
  readonly #history: InstallerHistory
  readonly #wish: Wish
  #state: InstallerState = { ready: false, reason: { code: 'cni_config_unseen', args: {} }, file: null, warnings: [] }
  /** has this process seen everything in place? */
  #settled = false
  #turnedAt = performance.now()

  constructor(options: InstallerOptions) {
    this.#options = options
    this.#binary = new PluginBinary(options.source, options.plugin)
    this.#history = new InstallerHistory(options.history)
    this.#wish = { placement: options.placement, entry: options.entry, directory: options.confDir }
  }

  get ageMs(): number {
    return performance.now() - this.#turnedAt
  }

  state(): InstallerState {
    return this.#state
  }

  #told(reason: Reason): Reason {
    return reasonInNodeNames(reason, this.#options.nodeNames)
  }

  /** what a person should look at */
  alarms(): readonly Reason[] {
    const { reason, warnings } = this.#state
    return [...(levelOf(reason) === 'alarm' ? [reason] : []), ...warnings]
  }

  /** who rewrote what and when, oldest first */
  get history(): readonly InstallerEvent[] {
    return this.#history.events
  }

  async run(signal: AbortSignal): Promise<void> {
    const { plugin, confDir, everyMs = EVERY_MS } = this.#options
    let wake = Promise.withResolvers<undefined>()
    const watch = new DirectoryWatch([confDir, join(plugin, '..')], () => wake.resolve(undefined))
    const stopped = new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined)))
    this.#clearUnfinished()
    while (!signal.aborted) {
      try {
        this.turn()
        watch.renew()
      } catch (error) {
        this.#options.failed(error)
      }
      const timer = setTimeout(() => wake.resolve(undefined), everyMs)
      await Promise.race([wake.promise, stopped])
      clearTimeout(timer)
      wake = Promise.withResolvers()
    }
    watch.close()
  }

  /** One comparison, and what follows from it. */
  turn(): void {
    const until = uninstalledUntil(this.#options.plugin, this.#options.now())
    this.#state = until === null ? this.#install() : this.#stayAway(until)
    this.#settled ||= this.#state.ready
    this.#turnedAt = performance.now()
  }

  #install(): InstallerState {
    const { plugin, confDir } = this.#options
    try {
      const found = this.#binary.look()
      const fight = found === 'same' ? undefined : this.#fight(plugin)
      if (fight !== undefined) return this.#not(fight)
      if (found !== 'same') this.#putBinary(found)
      unmarkUninstalled(plugin)
    } catch (error) {
      // without an executable an entry would fail every pod of the node, so there is none before it
      return this.#not({ code: 'cni_plugin_failed', args: { file: plugin, problem: messageOf(error) } })
    }
    for (let tries = TRIES; ; tries--) {
      const before = this.#read()
      if ('code' in before) return this.#not(before)
      const made = plan(before, this.#wish)
      const done = this.#follow(made, before)
      if (done === 'again' && tries > 1) continue
      if (done === 'again')
        return this.#not({
          code: 'cni_write_failed',
          args: { directory: confDir, problem: 'somebody else keeps writing' },
        })
      return done
    }
  }

  /** `again`: something was written, or somebody else was faster, so that it has to be looked at anew. */
  #follow(made: Plan, before: Directory): InstallerState | 'again' {
    if (made.is === 'not-possible') return this.#not(made.reason)
    const { file, steps, reason } = made
    const warnings = exclusiveIn(this.#options.confDir)
    if (steps.length === 0)
      return { ready: reason === undefined, reason: reason ?? { code: 'cni_in_place', args: { file } }, file, warnings }
    const fight = this.#fight(file)
    if (fight !== undefined) return { ready: false, reason: fight, file, warnings }
    const record = this.#found(steps, before, file)
    try {
      if (!applySteps(this.#options.confDir, steps, before)) return 'again'
    } catch (error) {
      return this.#not({
        code: 'cni_write_failed',
        args: { directory: this.#options.confDir, problem: messageOf(error) },
      })
    }
    record()
    return 'again'
  }

  /** While an uninstall is under way, what others bring back goes again. */
  #stayAway(until: Date): InstallerState {
    const before = this.#read()
    if ('code' in before) return this.#not(before)
    try {
      applySteps(this.#options.confDir, planRemoval(before, typeOf(this.#options.entry)), before)
    } catch (error) {
      const args = { directory: this.#options.confDir, problem: messageOf(error) }
      return this.#not({ code: 'cni_write_failed', args })
    }
    return this.#not({ code: 'cni_uninstalled', args: { until: until.toISOString() } })
  }

  #read(): Directory | Reason {
    const { confDir, placement } = this.#options
    const named = placement.is === 'standalone' ? placement.ownFile : placement.file
    try {
      return readDirectory(confDir, named === undefined ? [] : [named])
    } catch (error) {
      const looked = ' (the directory is not there)'
      return isAbsent(error)
        ? { code: 'cni_config_absent', args: { directory: confDir, looked } }
        : { code: 'cni_directory_unreadable', args: { directory: confDir, problem: messageOf(error) } }
    }
  }

  #fight(file: string): Reason | undefined {
    const now = this.#options.now().getTime()
    const recent = this.#history.events.filter(
      ({ what, at }) => what === 'repaired' && Math.abs(now - Date.parse(at)) < FIGHT_MINUTES * 60_000,
    )
    if (recent.length < MOST_REPAIRS) return undefined
    const by = recent.at(-1)?.mainPlugin ?? null
    const args = {
      file,
      repairs: recent.length,
      minutes: FIGHT_MINUTES,
      by: by === null ? '' : ` (last written for ${by})`,
    }
    return { code: 'cni_config_fight', args }
  }

  /** What there is to say of the steps, by what is there before them; called once they are done. */
  #found(steps: readonly Step[], before: Directory, target: string): () => void {
    const { entry, confDir } = this.#options
    const there = steps.map(({ file }) => file).filter((file) => before.has(file))
    const file = there.find((one) => one === target) ?? there[0] ?? target
    const text = before.get(file)
    const stat = statSync(join(confDir, file), { throwIfNoEntry: false })
    return () =>
      this.#record({
        file,
        cause: causeOf(file, text, entry, file === target),
        changedAt: stat?.mtime.toISOString() ?? null,
        uid: stat?.uid ?? null,
        mainPlugin: text === undefined ? null : mainPluginOf(file, text, typeOf(entry)),
      })
  }

  #putBinary(found: 'absent' | 'other'): void {
    const file = this.#options.plugin
    const stat = statSync(file, { throwIfNoEntry: false })
    this.#binary.put()
    const cause = found === 'absent' ? 'no-file' : 'binary'
    this.#record({
      file,
      cause,
      changedAt: stat?.mtime.toISOString() ?? null,
      uid: stat?.uid ?? null,
      mainPlugin: null,
    })
  }

  #record(found: Pick<InstallerEvent, 'file' | 'cause' | 'changedAt' | 'uid' | 'mainPlugin'>): void {
    const file = inNodeNames(found.file, this.#options.nodeNames)
    const known = this.#history.events.some((event) => event.file === file)
    // a new version of the agent brings another entry and another binary: nobody's fault
    const ownDoing = !this.#settled && (!known || found.cause === 'entry-changed' || found.cause === 'binary')
    const at = this.#options.now().toISOString()
    const event: InstallerEvent = { at, what: ownDoing ? 'installed' : 'repaired', ...found, file }
    this.#history.add(event)
    this.#options.report(event)
  }

  #not(reason: Reason): InstallerState {
    return { ready: false, reason: this.#told(reason), file: null, warnings: [] }
  }

  #clearUnfinished(): void {
    const { plugin, confDir } = this.#options
    try {
      removeUnfinished(confDir, (file) => formOf(file) !== 'either')
      removeUnfinished(join(plugin, '..'), (file) => [plugin, markerOf(plugin)].some((one) => one.endsWith(`/${file}`)))
    } catch {
      // what cannot be removed is in nobody's way
    }
  }
}
