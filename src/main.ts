import { text } from 'node:stream/consumers'
import { COMMANDS } from './app/commands/commands.ts'
import { runProgram } from './app/commands/program.ts'

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(signal))
// a reader that has seen enough, as in `| head`, is no failure
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})
process.exitCode = await runProgram(COMMANDS, process.argv.slice(2), {
  env: process.env,
  stdin: async () => await text(process.stdin),
  out: (line) => process.stdout.write(line),
  err: (line) => process.stderr.write(line),
  stop: stop.signal,
})
