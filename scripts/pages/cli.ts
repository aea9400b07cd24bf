import { COMMANDS } from '../../src/app/commands/commands.ts'
import { load, variableOf } from '../../src/app/commands/command.ts'
import type { LoadedCommand } from '../../src/app/commands/command.ts'
import { EXIT_CODES } from '../../src/app/commands/exit-code.ts'
import { type Page, table } from './page.ts'

/** docs/cli.md: every command with its flags, from the same tables as `--help`. */
export const CLI: Page = {
  path: 'docs/cli.md',
  text: async () => {
    const commands = await Promise.all(COMMANDS.map(load))
    return [
      '# Command line',
      'Made from the tables of `src/app/commands` by `npm run generate`. A flag beats its environment variable, which beats the default.',
      '## Exit codes',
      table(
        ['code', 'meaning'],
        Object.values(EXIT_CODES).map((row) => [String(row.code), row.meaning]),
      ),
      ...commands.flatMap(section),
      '',
    ].join('\n\n')
  },
}

function section(command: LoadedCommand): readonly string[] {
  const rows = command.flags.map((flag) => [
    `\`${flag.short === undefined ? '' : `-${flag.short}, `}--${flag.name}${flag.value === null ? '' : ` ${flag.value}`}\``,
    `\`${variableOf(flag)}\``,
    flag.default === undefined ? '' : `\`${flag.default}\``,
    [
      flag.help,
      ...(flag.choices === undefined ? [] : [`one of ${flag.choices.map((choice) => `\`${choice}\``).join(', ')}`]),
      ...(flag.aliases === undefined ? [] : [`also \`--${flag.aliases.join('`, `--')}\``]),
    ].join('; '),
  ])
  const usage = `sluice ${command.name}${command.positional === null ? '' : ` ${command.positional}`}${command.flags.length === 0 ? '' : ' [flags]'}`
  return [
    `## sluice ${command.name}`,
    `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.`,
    `    ${usage}`,
    ...(rows.length === 0 ? [] : [table(['flag', 'environment variable', 'default', 'meaning'], rows)]),
    command.examples.map((example) => `    ${example}`).join('\n'),
  ]
}
