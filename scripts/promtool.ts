/** Prometheus' own judge of rules and expressions, from Debian. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { debs } from './debs.ts'

/** What promtool says to `args`. Throws a FetchError where it cannot be had. */
export function promtool(args: readonly string[], cwd: string): { readonly ok: boolean; readonly text: string } {
  const program = join(debs('prometheus', ['prometheus']), 'usr/bin/promtool')
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' })
  return { ok: status === 0, text: `${stdout}${stderr}` }
}
