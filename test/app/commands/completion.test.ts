import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { load } from '../../../src/app/commands/command.ts'
import { COMMANDS } from '../../../src/app/commands/commands.ts'
import { completion } from '../../../src/app/commands/completion.ts'

const commands = await Promise.all(COMMANDS.map(load))

/** What a real bash offers for the last word of a line. */
function offered(...words: readonly string[]): readonly string[] {
  const script = `${completion('bash', commands)}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sluice; printf '%s\\n' "\${COMPREPLY[@]}"`
  return execFileSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8' })
    .trim()
    .split('\n')
}

for (const { line, want } of [
  { line: ['sluice', 'exp'], want: ['explain'] },
  { line: ['sluice', 'explain', '--sta'], want: ['--stale'] },
  { line: ['sluice', 'explain', 'deploy'], want: ['deployment', 'deploymentconfig'] },
  { line: ['sluice', 'completion', ''], want: ['bash', 'zsh', 'fish'] },
  { line: ['sluice', 'audit', '-o', ''], want: ['text', 'wide', 'json', 'yaml'] },
  { line: ['sluice', 'inject', '--output', ''], want: ['yaml', 'json'] },
  { line: ['sluice', 'inject', '-f', 'package.j'], want: ['package.json'] },
  { line: ['kubectl-sluice', 'rules', '--backend', 'nf'], want: ['nftables'] },
])
  test(`bash completes '${line.join(' ')}'`, () => {
    assert.deepEqual(offered(...line), want)
  })

test('zsh takes the completion of bash, and fish has a line for every command, flag and word', () => {
  assert.match(completion('zsh', commands), /^#compdef sluice\nautoload -U \+X bashcompinit/)
  const fish = completion('fish', commands)
  for (const command of commands) {
    assert.ok(fish.includes(`__fish_use_subcommand -a ${command.name} `), command.name)
    for (const { name } of command.flags)
      assert.ok(fish.includes(`'__fish_seen_subcommand_from ${command.name}' -l ${name}`), `${command.name} ${name}`)
  }
  assert.match(fish, /__fish_seen_subcommand_from completion' -a 'bash zsh fish'/)
})
