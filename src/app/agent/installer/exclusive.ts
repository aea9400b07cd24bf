import { readdirSync } from 'node:fs'
import type { Reason } from '../../../core/vocabulary/reasons.ts'

/** How Cilium renames the configurations of others where it is to be the only one. */
const SET_ASIDE = '.cilium_bak'

/** What Cilium set aside in `directory`: it will do so again with each file that is not its own. */
export function exclusiveIn(directory: string): readonly Reason[] {
  return namesIn(directory)
    .filter((file) => file.endsWith(SET_ASIDE))
    .map((file) => ({ code: 'cni_config_exclusive', args: { file: file.slice(0, -SET_ASIDE.length) } }))
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch {
    // said already by whoever reads the files
    return []
  }
}
