import { COMMANDS } from '../../../src/app/commands/commands.ts'
import { runProgram } from '../../../src/app/commands/program.ts'

/** What a command line came to. */
export interface Run {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs `sluice ARGV…` in this process, with nothing of its environment; told to stop at once where `stopped`. */
export async function sluice(
  argv: readonly string[],
  { stdin = '', stopped = false }: { readonly stdin?: string; readonly stopped?: boolean } = {},
): Promise<Run> {
  let out = ''
  let err = ''
  const code = await runProgram(COMMANDS, argv, {
    env: {},
    stdin: async () => await Promise.resolve(stdin),
    out: (text) => (out += text),
    err: (text) => (err += text),
    stop: stopped ? AbortSignal.abort() : new AbortController().signal,
  })
  return { code, out, err }
}
