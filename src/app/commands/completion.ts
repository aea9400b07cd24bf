import type { Command, CommandRow } from './command.ts'
import { UsageError } from './command.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

/** The command `completion`; it takes the rows as an argument because it is one of them. */
export function completionCommand(rows: () => readonly CommandRow[]): Command {
  return {
    name: 'completion',
    summary: 'prints the completion of commands and flags for a shell',
    positional: '<shell>',
    flags: [],
    examples: [
      'source <(sluice completion bash)',
      'sluice completion zsh > "${fpath[1]}/_sluice"',
      'sluice completion fish | source',
    ],
    run: async (_flags, positional, io) => {
      const shell = SHELLS.find((name) => name === positional[0])
      if (shell === undefined)
        throw new UsageError(`completion is for ${SHELLS.join(', ')}, not for '${positional[0] ?? ''}'`)
      io.out(completion(shell, await Promise.all(rows().map(async (row) => await row.load()))))
      return 'ok'
    },
  }
}

/** The completion script of `shell`: command names, then each command's flags, then the values of closed sets. */
export function completion(shell: Shell, commands: readonly Command[]): string {
  switch (shell) {
    case 'bash':
      return bash(commands)
    case 'zsh':
      return `#compdef sluice\nautoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`
    case 'fish':
      return fish(commands)
  }
}

function bash(commands: readonly Command[]): string {
  const flagCases = commands.map((command) => `    ${command.name}) words="${longFlags(command).join(' ')}" ;;`)
  const values = new Map(
    commands.flatMap((command) =>
      command.flags.flatMap((flag) => (flag.choices === undefined ? [] : [[flag.name, flag.choices] as const])),
    ),
  )
  const valueCases = [...values].map(
    ([name, choices]) => `    --${name}) COMPREPLY=($(compgen -W "${choices.join(' ')}" -- "$cur")); return ;;`,
  )
  return `_sluice() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map((command) => command.name).join(' ')}" -- "$cur")); return
  fi
  case "$prev" in
${valueCases.join('\n')}
  esac
  case "\${COMP_WORDS[1]}" in
${flagCases.join('\n')}
  esac
  case "$cur" in
    -*) COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
    *) COMPREPLY=($(compgen -f -- "$cur")) ;;
  esac
}
complete -F _sluice sluice kubectl-sluice
`
}

function fish(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => [
    `complete -c sluice -f -n __fish_use_subcommand -a ${command.name} -d ${quote(command.summary)}`,
    ...command.flags.map((flag) => {
      const short = flag.short === undefined ? '' : ` -s ${flag.short}`
      const values =
        flag.choices === undefined ? (flag.value === null ? '' : ' -r') : ` -x -a ${quote(flag.choices.join(' '))}`
      return `complete -c sluice -n '__fish_seen_subcommand_from ${command.name}' -l ${flag.name}${short}${values} -d ${quote(flag.help)}`
    }),
  ])
  return `${lines.join('\n')}\n`
}

function longFlags(command: Command): readonly string[] {
  return [...command.flags.map((flag) => `--${flag.name}`), '--help']
}

/** A word in single quotes for a shell: the texts are our own tables, but a quote in one must not end the word. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
