import type { Mode } from '../../vocabulary/modes.ts'
import { ambient } from './ambient.ts'
import { cni } from './cni.ts'
import { init } from './init.ts'
import type { Assess } from './verdict.ts'

/** How each mode is judged: a new mode is a file and a row, and the compiler names what else it must reach. */
export const ASSESS: Readonly<Record<Mode, Assess>> = { ambient, cni, init }
