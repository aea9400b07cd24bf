import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Of this checkout: what a killed run of the suite left there is found by the next one. */
export const NODE_DIRECTORY = join(
  tmpdir(),
  `sluice-node-${createHash('sha256')
    .update(import.meta.dirname)
    .digest('hex')
    .slice(0, 8)}`,
)
