import { readFileSync, rmSync } from 'node:fs'
import { embeddedJson } from '../../../core/json/parse.ts'
import { objectOr, stringOr } from '../../../core/json/value.ts'
import { replaceFile } from '../../../edge/files/replace-file.ts'

/** Beside the plugin: says that it was uninstalled on purpose, and lets everything pass once no agent answers any more. */
export function markerOf(plugin: string): string {
  return `${plugin}.uninstalled`
}

/** for so long an agent that restarts does not install again what was just uninstalled */
const UNINSTALL_MS = 15 * 60_000

/** Says that nothing is to be installed for a while. */
export function markUninstalled(plugin: string, now: Date): void {
  const until = new Date(now.getTime() + UNINSTALL_MS)
  const text = `${JSON.stringify({ until: until.toISOString() })}\n`
  replaceFile(markerOf(plugin), Buffer.from(text), { mode: 0o644 })
}

export function unmarkUninstalled(plugin: string): void {
  rmSync(markerOf(plugin), { force: true })
}

/** Until when nothing is to be installed; null where that is over or was never said. */
export function uninstalledUntil(plugin: string, now: Date): Date | null {
  let text: string
  try {
    text = readFileSync(markerOf(plugin), 'utf8')
  } catch {
    return null
  }
  const until = new Date(stringOr(objectOr(embeddedJson(text))['until']) ?? '')
  const leftMs = until.getTime() - now.getTime()
  // a clock that was set back must not keep an agent out for longer than was meant
  return leftMs > 0 && leftMs <= UNINSTALL_MS ? until : null
}
