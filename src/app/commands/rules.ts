import { coded } from '../../core/explain/words.ts'
import { rulesText } from '../../core/redirection/rules-text.ts'
import { type Command, UsageError } from './command.ts'
import { FILE_FLAG, readInput } from './input.ts'
import { parsePodOrConfiguration } from './parse-objects.ts'

export const rulesCommand: Command = {
  name: 'rules',
  positional: null,
  flags: [
    {
      ...FILE_FLAG,
      help: 'YAML or JSON of one pod, or of a configuration of redirection (mode: sidecar, ambient-pod or ambient-host, and config); - reads standard input',
    },
    {
      name: 'backend',
      value: 'NAME',
      choices: ['iptables', 'nftables'],
      default: 'iptables',
      help: 'whose language the rules are printed in; nftables takes both families in one text',
    },
    {
      name: 'family',
      value: 'VERSION',
      choices: ['4', '6'],
      default: '4',
      help: 'the version of IP; 6 is a pod that has both, whose rules nftables has in one text',
    },
    { name: 'remove', value: null, help: 'what takes these rules away again, in place of what makes them' },
  ],
  examples: [
    'sluice inject -f pod.yaml | sluice rules -f - --backend nftables --family 6',
    'kubectl get pod web -o yaml | sluice rules -f - --remove | ip netns exec cni-1 iptables-restore --noflush',
  ],
  run: async (flags, _positional, io) => {
    const path = flags['filename']
    if (path === undefined) throw new UsageError('rules needs -f FILE; - reads standard input')
    const document = parsePodOrConfiguration(await readInput(path, io))
    const rules = rulesText(document, {
      backend: flags['backend'] === 'nftables' ? 'nftables' : 'iptables',
      family: flags['family'] === '6' ? 6 : 4,
      verb: flags['remove'] === 'true' ? 'remove' : 'add',
    })
    if (rules.is === 'text') {
      io.out(rules.text)
      return 'ok'
    }
    io.err(`${rules.is === 'skip' ? 'no rules' : 'refused'}: ${coded(rules.reason)}\n`)
    return rules.is === 'skip' ? 'ok' : 'refusal'
  },
}
