import type { Command, CommandRow, LoadedCommand } from './command.ts'
import { load, UsageError } from './command.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

/** The command `completion`; it takes the rows as an argument because it is one of them. */
export function completionCommand(rows: () => readonly CommandRow[]): Command {
  return {
    name: 'completion',
    positional: '<shell>',
    positionalWords: SHELLS,
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
      io.out(completion(shell, await Promise.all(rows().map(load))))
      return 'ok'
    },
  }
}

/** The completion script of `shell`: command names, then each command's flags, then the values of closed sets. */
export function completion(shell: Shell, commands: readonly LoadedCommand[]): string {
  switch (shell) {
    case 'bash':
      return bash(commands)
    case 'zsh':
      return `#compdef sluice\nautoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`
    case 'fish':
      return fish(commands)
  }
}

function bash(commands: readonly LoadedCommand[]): string {
  const words = commands.map((command) => {
    const positional = command.positionalWords?.join(' ') ?? ''
    return `    ${command.name}) flags="${longFlags(command).join(' ')}" words="${positional}" ;;`
  })
  // the same flag may have other values in another command
  const values = commands.flatMap((command) =>
    command.flags.flatMap(({ name, short, choices }) =>
      choices === undefined
        ? []
        : [`    ${patternsOf(command.name, name, short)}) words="${choices.join(' ')}"; flags=""; only=1 ;;`],
    ),
  )
  return `_sluice() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}"
  local flags="" words="" only=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map((command) => command.name).join(' ')}" -- "$cur")); return
  fi
  case "$command" in
${words.join('\n')}
  esac
  case "$command $prev" in
${values.join('\n')}
  esac
  case "$cur" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$cur")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$cur")); [ -n "$only$words" ] || COMPREPLY=($(compgen -f -- "$cur")) ;;
  esac
  case "$prev" in
    -f|--filename|--*-file|--objects|--kubeconfig) COMPREPLY=($(compgen -f -- "$cur")) ;;
  esac
}
complete -F _sluice sluice kubectl-sluice
`
}

function patternsOf(command: string, name: string, short: string | undefined): string {
  return [`"${command} --${name}"`, ...(short === undefined ? [] : [`"${command} -${short}"`])].join('|')
}

function fish(commands: readonly LoadedCommand[]): string {
  const lines = commands.flatMap((command) => [
    `complete -c sluice -f -n __fish_use_subcommand -a ${command.name} -d ${quote(command.summary)}`,
    ...(command.positionalWords === undefined
      ? []
      : [
          `complete -c sluice -f -n '__fish_seen_subcommand_from ${command.name}' -a ${quote(command.positionalWords.join(' '))}`,
        ]),
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
