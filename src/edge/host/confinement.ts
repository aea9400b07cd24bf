import { readFileSync } from 'node:fs'

/** The capabilities that work with network namespaces rests on, with their bits (capabilities(7)). */
const BITS = { SETGID: 6, SETUID: 7, NET_ADMIN: 12, NET_RAW: 13, SYS_ADMIN: 21 } as const
export type Capability = keyof typeof BITS

/** Which of `wanted` the calling thread lacks. */
export function lackOf(...wanted: readonly Capability[]): readonly Capability[] {
  const [, effective = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/thread-self/status', 'utf8')) ?? []
  return wanted.filter((name) => ((BigInt(`0x${effective}`) >> BigInt(BITS[name])) & 1n) === 0n)
}

/** Types of SELinux that containers are given so that nothing confines them. */
const FREE_TYPES = ['spc_t', 'super_t', 'unconfined_t']

/**
 * What confines this process beside its capabilities, by the label that the kernel's security module has for it; null where nothing does,
 * or where no module says.
 */
export function confinement(label = '/proc/self/attr/current'): string | null {
  const text = labelIn(label)
  const [, profile] = /^([\x21-\x7e]{1,200}) \((?:enforce|kill)\)$/.exec(text) ?? []
  if (profile !== undefined) return `AppArmor's profile ${profile}`
  const [, type] = /^[^\s:]+:[^\s:]+:(\w{1,100})(?::|$)/.exec(text) ?? []
  return type === undefined || FREE_TYPES.includes(type) ? null : `SELinux's type ${type}`
}

/** Reading it fails with EINVAL where the kernel has no such module. */
function labelIn(file: string): string {
  try {
    return readFileSync(file, 'latin1').replace(/[\0\n]+$/, '')
  } catch {
    return ''
  }
}
