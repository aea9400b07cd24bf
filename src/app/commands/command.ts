import type { ExitName } from './exit-code.ts'

/** One flag of a command: help, environment variable and reference page are made from this row. */
export interface FlagRow {
  /** long name without dashes, kebab-case; the environment variable is `SLUICE_` and this name in upper case */
  readonly name: string
  /** one letter, where kubectl's habit has one */
  readonly short?: string
  /** other spellings that are accepted: those of istioctl */
  readonly aliases?: readonly string[]
  /** what follows the flag, in upper case; null for a switch */
  readonly value: string | null
  /** may be given several times; the values are joined by commas, by which each may hold several, as with kubectl */
  readonly many?: true
  /** allowed values, where the set is closed */
  readonly choices?: readonly string[]
  readonly default?: string
  /** one sentence, lower case first, no full stop */
  readonly help: string
}

/** The values of a command's flags after parsing: always text, a switch is `true` or `false`. */
export type FlagValues = Readonly<Record<string, string | undefined>>

/** What a command touches of the outside; tests give their own. */
export interface CommandIo {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: () => Promise<string>
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** ends when the user or the platform asks the process to stop */
  readonly stop: AbortSignal
}

export interface Command {
  readonly name: string
  /** names of positional arguments as help shows them, for example `[TYPE/]NAME`; null for none */
  readonly positional: string | null
  /** what a positional argument can be, or starts with, for completion; absent where it is free */
  readonly positionalWords?: readonly string[]
  readonly flags: readonly FlagRow[]
  readonly examples: readonly string[]
  readonly run: (flags: FlagValues, positional: readonly string[], io: CommandIo) => Promise<ExitName>
}

/** What the list of commands knows before a command is loaded: starting one must not pay for the others. */
export interface CommandRow {
  readonly name: string
  /** one line for the list of commands */
  readonly summary: string
  readonly load: () => Promise<Command>
}

/** A command with the line that its row says of it. */
export type LoadedCommand = Command & Pick<CommandRow, 'summary'>

/** The whole command of a row. */
export async function load(row: CommandRow): Promise<LoadedCommand> {
  return { ...(await row.load()), summary: row.summary }
}

/** A wrong flag, argument or input file: one sentence, and exit code `usage`. */
export class UsageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'UsageError'
  }
}

/** Something outside failed (a file, a connection): one sentence, exit code `failure`. */
export class CommandFailure extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CommandFailure'
  }
}

/** The environment variable of a flag. */
export function variableOf(flag: FlagRow): string {
  return `SLUICE_${flag.name.toUpperCase().replaceAll('-', '_')}`
}
