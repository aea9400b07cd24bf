import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Command, CommandIo, CommandRow, FlagValues } from '../../../src/app/commands/command.ts'
import { CommandFailure, UsageError } from '../../../src/app/commands/command.ts'
import { COMMANDS } from '../../../src/app/commands/commands.ts'
import { runProgram } from '../../../src/app/commands/program.ts'

interface Run {
  readonly code: number
  readonly out: string
  readonly err: string
  readonly seen: FlagValues | undefined
  /** how often the command was loaded */
  readonly loaded: number
}

async function run(
  argv: readonly string[],
  options: { env?: Record<string, string>; act?: () => never; commands?: readonly CommandRow[] } = {},
): Promise<Run> {
  let out = ''
  let err = ''
  let seen: FlagValues | undefined
  const command: Command = {
    name: 'do',
    positional: '[name]',
    flags: [
      { name: 'mesh-config-file', aliases: ['meshConfigFile'], value: 'FILE', help: 'a file' },
      { name: 'output', short: 'o', value: 'FORMAT', choices: ['text', 'json'], default: 'text', help: 'a format' },
      { name: 'all', short: 'A', value: null, help: 'a switch' },
    ],
    examples: ['sluice do -A'],
    run: async (flags, positional) => {
      seen = { ...flags, positional: positional.join(',') }
      options.act?.()
      return await Promise.resolve('refusal')
    },
  }
  const io: CommandIo = {
    env: options.env ?? {},
    stdin: async () => await Promise.resolve(''),
    out: (text) => (out += text),
    err: (text) => (err += text),
    stop: new AbortController().signal,
  }
  let loaded = 0
  const load = async (): Promise<Command> => {
    loaded++
    return await Promise.resolve(command)
  }
  const code = await runProgram(options.commands ?? [{ name: 'do', summary: 'does it', load }], argv, io)
  return { code, out, err, seen, loaded }
}

test('a flag beats its environment variable, which beats the default', async () => {
  const env = { SLUICE_OUTPUT: 'json', SLUICE_ALL: 'true' }
  assert.equal((await run(['do'])).seen?.['output'], 'text')
  assert.equal((await run(['do'], { env })).seen?.['output'], 'json')
  assert.equal((await run(['do', '-o', 'text'], { env })).seen?.['output'], 'text')
  assert.equal((await run(['do'], { env })).seen?.['all'], 'true')
})

test("istioctl's spelling of a flag is understood", async () => {
  assert.equal((await run(['do', '--meshConfigFile', 'a'])).seen?.['mesh-config-file'], 'a')
  assert.equal((await run(['do', '--meshConfigFile=b', 'name'])).seen?.['mesh-config-file'], 'b')
  assert.equal((await run(['do', '--meshConfigFile=b', 'name'])).seen?.['positional'], 'name')
})

test('the exit code tells a refusal from a wrong command line and from a failure', async () => {
  assert.equal((await run(['do'])).code, 3)
  assert.equal((await run(['do', '--nonsense'])).code, 2)
  assert.equal((await run(['do', '-o', 'xml'])).code, 2)
  assert.equal((await run(['do'], { env: { SLUICE_OUTPUT: 'xml' } })).code, 2)
  assert.equal((await run(['undo'])).code, 2)
  const fail = (error: Error) => (): never => {
    throw error
  }
  assert.equal((await run(['do'], { act: fail(new UsageError('no')) })).code, 2)
  assert.equal((await run(['do'], { act: fail(new CommandFailure('gone')) })).code, 1)
  const bug = await run(['do'], { act: fail(new TypeError('oops')) })
  assert.equal(bug.code, 1)
  assert.match(bug.err, /^bug: TypeError: oops\n\s+at /)
})

test('help shows every flag with its variable, and an example', async () => {
  const { code, out } = await run(['do', '--help'])
  assert.equal(code, 0)
  for (const word of ['--mesh-config-file', 'SLUICE_MESH_CONFIG_FILE', '-A, --all', 'sluice do -A'])
    assert.ok(out.includes(word), word)
})

test('what people type by habit is understood: help of a command, and --version', async () => {
  const { code, out } = await run(['help', 'do'])
  assert.equal(code, 0)
  assert.match(out, /^Usage: sluice do .*\[name\]/)
  assert.equal((await run(['help', 'undo'])).code, 2)
  const asked = await run(['--version'], { commands: COMMANDS })
  assert.deepEqual([asked.code, asked.err], [0, ''])
  assert.match(asked.out, /^sluice \d+\.\d+\.\d+ \(Node v\d+/)
})

test('without a command the commands and the exit codes are listed, and none is loaded for it', async () => {
  const { code, out, loaded } = await run([])
  assert.equal(code, 0)
  assert.equal(loaded, 0)
  assert.match(out, /do {2}does it/)
  assert.match(out, / 3 {2}Sluice refuses/)
})
