import { isIP } from 'node:net'
import { type FlagRow, type FlagValues, UsageError } from './command.ts'

/** Flags of the self-made certificate, shared by what serves with it and what prints it. */
export const CERTIFICATE_FLAGS: readonly FlagRow[] = [
  { name: 'certs-dir', value: 'FOLDER', default: 'certs', help: 'where the self-made CA and certificate are kept' },
  {
    name: 'dns-names',
    value: 'NAMES',
    default: 'localhost,127.0.0.1',
    help: 'names and addresses that the self-made certificate is for, with commas',
  },
]

/** The names of `--dns-names`. Throws UsageError for one that is neither a DNS name nor an IP address. */
export function certificateNames(flags: FlagValues): readonly string[] {
  const names = (flags['dns-names'] ?? '').split(',').map((name) => name.trim())
  const wrong = names.find((name) => isIP(name) === 0 && !/^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(name))
  if (wrong !== undefined)
    throw new UsageError(`--dns-names holds '${wrong}', which is neither a DNS name nor an IP address`)
  return names
}
