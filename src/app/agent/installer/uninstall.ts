import { existsSync, rmSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { planRemoval } from '../../../core/conflist/plan.ts'
import type { AgentPaths } from '../options.ts'
import { applySteps, isAbsent, readDirectory } from './directory.ts'
import { type MadeSandbox, sandboxesMadeWith } from './sandboxes.ts'
import { markerOf, markUninstalled, uninstalledUntil, unmarkUninstalled } from './uninstalled.ts'

/** Where a node has what is to go. */
export interface UninstallPlaces {
  readonly plugin: string
  readonly confDir: string
  /** of libcni, below it `results` */
  readonly cacheDir: string
  /** where this process has the node's processes and namespaces */
  readonly node: Pick<AgentPaths, 'proc' | 'netnsDir'>
  /** a file of ours under another ending than those that runtimes read */
  readonly also: readonly string[]
}

/** What became of a node. */
export interface Uninstalled {
  /** files that the entry was taken out of, or that went or came back with it */
  readonly files: readonly string[]
  /** `stays`: sandboxes were made with it, and their end must find it */
  readonly plugin: 'removed' | 'absent' | 'stays'
  readonly sandboxes: readonly MadeSandbox[]
  /** until when the mark stays that keeps a running agent from installing again; null: there is none */
  readonly markedUntil: Date | null
}

const TRIES = 5

/**
 * Takes Sluice off a node, in two phases: the mark and the end of the entry, after which no new sandbox is made with the
 * plugin; then the plugin itself, once no sandbox is left that was. Until then it stays as a stub that lets everything pass.
 * Run again, it goes on where it was. Throws where a directory cannot be read or written; what was done until then is right.
 */
export function uninstall({ plugin, confDir, cacheDir, node, also }: UninstallPlaces, now: Date): Uninstalled {
  const type = basename(plugin)
  if (existsSync(plugin)) markUninstalled(plugin, now)
  const files = takeOut(confDir, type, also)
  const there = existsSync(plugin)
  const sandboxes = there ? sandboxesMadeWith(type, cacheDir, node) : []
  if (there && sandboxes.length === 0) rmSync(plugin)
  const markedUntil = existsSync(dirname(plugin)) ? uninstalledUntil(plugin, now) : null
  if (markedUntil === null && existsSync(markerOf(plugin))) unmarkUninstalled(plugin)
  return { files, plugin: !there ? 'absent' : sandboxes.length === 0 ? 'removed' : 'stays', sandboxes, markedUntil }
}

function takeOut(confDir: string, type: string, also: readonly string[]): readonly string[] {
  for (let tries = TRIES; ; tries--) {
    try {
      const before = readDirectory(confDir, also)
      const steps = planRemoval(before, type)
      if (applySteps(confDir, steps, before)) return steps.map(({ file }) => file)
    } catch (error) {
      if (isAbsent(error) && !existsSync(confDir)) return []
      throw error
    }
    if (tries === 1) throw new Error(`somebody else keeps writing in ${confDir}`)
  }
}
