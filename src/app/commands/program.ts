import { Command as Commander, CommanderError, Option } from 'commander'
import { eachLine } from '../../core/vocabulary/one-line.ts'
import { ApiError, hasStatus, TransportError } from '../../edge/cluster/api-error.ts'
import type { CommandIo, CommandRow, FlagRow, FlagValues, LoadedCommand } from './command.ts'
import { CommandFailure, load, UsageError, variableOf } from './command.ts'
import { EXIT_CODES, type ExitName } from './exit-code.ts'

const SUMMARY = 'puts pods into an Istio mesh with the least privilege that works, and proves that it worked'

/**
 * Runs `sluice ARGV…`: finds the command's row, loads it, parses its flags (flag before environment variable before
 * default) and runs it. Gives the exit code; never throws: a bug is printed with its stack and is exit code 1.
 */
export async function runProgram(
  rows: readonly CommandRow[],
  given: readonly string[],
  io: CommandIo,
): Promise<number> {
  const argv = asCommand(given)
  try {
    const name = argv[0]
    const row = rows.find((candidate) => candidate.name === name)
    if (row !== undefined) return await runCommand(await load(row), argv.slice(1), io)
    return runOverview(rows, argv, io)
  } catch (error) {
    return EXIT_CODES[report(error, io)].code
  }
}

/** What people type by habit: `help COMMAND` and `--version`. */
function asCommand(argv: readonly string[]): readonly string[] {
  const [first, second] = argv
  if (first === 'help' && second !== undefined) return [second, '--help']
  return first === '--version' ? ['version'] : argv
}

async function runCommand(command: LoadedCommand, argv: readonly string[], io: CommandIo): Promise<number> {
  let exit: ExitName = 'ok'
  const commander = describe(command, io).action(async (...given: unknown[]) => {
    const options = (given.at(-2) ?? {}) as Readonly<Record<string, unknown>>
    exit = await command.run(flagValues(command, options), positionals(given), io)
  })
  await commander.parseAsync(['node', 'sluice', ...argv.map((word) => expandAlias(command.flags, word))])
  return EXIT_CODES[exit].code
}

/** Help of one command as it is printed by `--help` and shown in docs/cli.md. */
export function describe(command: LoadedCommand, io: Pick<CommandIo, 'out' | 'err' | 'env'>): Commander {
  const commander = new Commander(`sluice ${command.name}`)
    .description(command.summary)
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err, getOutHelpWidth: () => 110 })
    .addHelpText('after', `\nExamples:\n${command.examples.map((line) => `  ${line}`).join('\n')}`)
  if (command.positional !== null) commander.argument(command.positional)
  for (const flag of command.flags) commander.addOption(optionOf(flag, io.env))
  return commander
}

function optionOf(flag: FlagRow, env: CommandIo['env']): Option {
  const short = flag.short === undefined ? '' : `-${flag.short}, `
  const option = new Option(
    `${short}--${flag.name}${flag.value === null ? '' : ` <${flag.value}>`}`,
    `${flag.help} [$${variableOf(flag)}]`,
  )
  if (flag.choices !== undefined) option.choices([...flag.choices])
  if (flag.many === true) {
    const all: string[] = []
    option.argParser((value) => (all.push(value), all.join(',')))
  }
  const given = env[variableOf(flag)]
  if (flag.value === null) {
    if (given === 'true') option.default(true)
  } else if (given !== undefined && given !== '') {
    if (flag.choices !== undefined && !flag.choices.includes(given))
      throw new UsageError(`${variableOf(flag)} is '${given}'; allowed are ${flag.choices.join(', ')}`)
    option.default(given)
  } else if (flag.default !== undefined) option.default(flag.default)
  return option
}

/** `--meshConfigFile=x` and `--mesh-config-file=x` are one flag: people come with istioctl's spelling in their scripts. */
function expandAlias(flags: readonly FlagRow[], word: string): string {
  if (!word.startsWith('--')) return word
  const [name = '', ...rest] = word.slice(2).split('=')
  const flag = flags.find((row) => row.aliases?.includes(name) === true)
  return flag === undefined ? word : [`--${flag.name}`, ...rest].join('=')
}

function flagValues(command: LoadedCommand, options: Readonly<Record<string, unknown>>): FlagValues {
  const values: Record<string, string | undefined> = {}
  for (const flag of command.flags) {
    const given = options[flag.name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())]
    values[flag.name] = flag.value === null ? String(given === true) : typeof given === 'string' ? given : undefined
  }
  return values
}

function positionals(given: readonly unknown[]): readonly string[] {
  return given
    .slice(0, -2)
    .flatMap((value) => (typeof value === 'string' ? [value] : Array.isArray(value) ? value.map(String) : []))
}

/** Loads no command: people and scripts ask for it often. */
function runOverview(rows: readonly CommandRow[], argv: readonly string[], io: CommandIo): number {
  const wantsHelp = argv.length === 0 || ['-h', '--help', 'help'].includes(argv[0] ?? '')
  if (!wantsHelp) throw new UsageError(`there is no command '${argv[0] ?? ''}'; 'sluice --help' lists them`)
  const width = Math.max(...rows.map((row) => row.name.length))
  io.out(`sluice ${SUMMARY}\n\nCommands:\n`)
  for (const row of rows) io.out(`  ${row.name.padEnd(width)}  ${row.summary}\n`)
  io.out(`\nExamples:\n  sluice explain -f pod.yaml\n  sluice COMMAND --help\n`)
  io.out(
    `\nExit codes:\n${Object.values(EXIT_CODES)
      .map((row) => `  ${row.code}  ${row.meaning}\n`)
      .join('')}`,
  )
  return EXIT_CODES.ok.code
}

/** Prints what went wrong, for people; a bug keeps its stack, since nobody can act on its message. */
function report(error: unknown, io: CommandIo): ExitName {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 'ok' : 'usage'
  if (error instanceof UsageError) {
    io.err(`error: ${error.message}\n`)
    return 'usage'
  }
  if (error instanceof CommandFailure || error instanceof ApiError || error instanceof TransportError) {
    io.err(`error: ${eachLine(error.message)}${adviceOn(error)}\n`)
    return 'failure'
  }
  io.err(`bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return 'failure'
}

/** What to do about an API server that says no, or nothing. */
function adviceOn(error: Error): string {
  if (error instanceof TransportError)
    return '; the API server did not answer: --kubeconfig and --context say which one is asked'
  if (hasStatus(error, 401)) return '; it does not know these credentials: sign in again, or give another --kubeconfig'
  return hasStatus(error, 403) ? '; sluice check lists every right that is missing' : ''
}
