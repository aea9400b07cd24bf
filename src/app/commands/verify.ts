import { verdictReport, verdictText } from '../agent/verify/report.ts'
import { coded } from '../../core/explain/words.ts'
import { decodeIntent } from '../../core/intent/codec.ts'
import { intentOfDocument } from '../../core/intent/document.ts'
import { BARE_SIDECAR, type IntentResult } from '../../core/intent/intent.ts'
import type { Verdict } from '../../core/redirection/evidence.ts'
import { familiesOf } from '../../core/redirection/pod-network.ts'
import { plannedModel } from '../../core/redirection/rules-text.ts'
import { type NetnsHandle, openNetns } from '../../edge/host/namespaces.ts'
import { NetnsWorker } from '../../edge/host/netns-worker.ts'
import { missingRules } from '../agent/verify/listing.ts'
import { type RedirectedIntent, verifyPod } from '../agent/verify/pod.ts'
import { unentered } from '../agent/verify/verify.ts'
import { type Command, CommandFailure, type CommandIo, type FlagValues, UsageError } from './command.ts'
import type { ExitName } from './exit-code.ts'
import { FILE_FLAG, readText, reasonOf } from './input.ts'
import { parseObjects } from './parse-objects.ts'
import { OUTPUT_FLAG, render } from './output.ts'

/** What Istio's injection promises where nobody says otherwise. */
const USUAL: RedirectedIntent = { ...BARE_SIDECAR, inboundPorts: '*', outboundCidrs: '*' }

const EXITS: Readonly<Record<Verdict['is'], ExitName>> = {
  redirected: 'ok',
  partial: 'partial',
  bypassing: 'refusal',
  unknown: 'unknown',
}

export const verifyCommand: Command = {
  name: 'verify',
  positional: null,
  flags: [
    {
      name: 'netns',
      value: 'PATH',
      help: 'the network namespace of the pod, as /var/run/netns/NAME or /proc/PID/ns/net',
    },
    { ...FILE_FLAG, help: 'the pod, or a configuration as `sluice rules` takes it; without it, the usual sidecar' },
    {
      name: 'intent',
      value: 'JSON',
      help: 'what is to be redirected, as the annotation sluice-mesh.io/intent says it',
    },
    { name: 'before-proxy', value: null, help: 'the proxy has not started yet: nobody listening is as it should be' },
    { name: 'ambient-dns', value: null, help: 'the node captures the DNS of ambient pods that do not say otherwise' },
    { name: 'outside', value: 'PATH', help: "the node's network namespace; without it, that of this process" },
    { name: 'proc', value: 'DIR', default: '/proc', help: "the node's processes" },
    {
      name: 'libnftables',
      value: 'PATH',
      default: 'libnftables.so.1',
      help: 'the library that lists rules, if it is there',
    },
    OUTPUT_FLAG,
  ],
  examples: [
    'sluice verify --netns /proc/4711/ns/net',
    'kubectl get pod web -o yaml | sluice verify --netns /var/run/netns/cni-1 -f - -o json',
  ],
  run: async (flags, _positional, io) => {
    const path = flags['netns']
    if (path === undefined) throw new UsageError('verify needs --netns PATH')
    const read = await intentFrom(flags, io)
    if (read.is !== 'redirect') {
      io.err(`${read.is === 'skip' ? 'nothing to measure' : 'refused'}: ${coded(read.reason)}\n`)
      return read.is === 'skip' ? 'ok' : 'usage'
    }
    const { intent } = read
    if (intent.kind === 'none') {
      io.err('nothing to measure: nothing is to be redirected in this pod\n')
      return 'ok'
    }
    const verdict = await measured(path, intent, flags, io)
    io.out(render(flags, verdictReport(verdict), () => verdictText(verdict)))
    return EXITS[verdict.is]
  },
}

async function intentFrom(flags: FlagValues, io: CommandIo): Promise<IntentResult> {
  const { filename, intent } = flags
  if (filename !== undefined && intent !== undefined) throw new UsageError('verify takes -f or --intent, not both')
  if (intent !== undefined) return decodeIntent(intent)
  if (filename === undefined) return { is: 'redirect', intent: USUAL }
  const [document, second] = parseObjects(await readText(filename, io), filename)
  if (document === undefined || second !== undefined)
    throw new UsageError(`${filename} must hold one pod or configuration`)
  return intentOfDocument(document)
}

async function measured(path: string, intent: RedirectedIntent, flags: FlagValues, io: CommandIo): Promise<Verdict> {
  await using worker = await NetnsWorker.start({
    libnftables: flags['libnftables'] ?? null,
    programs: { directory: '', env: programEnvironment(io.env) },
  })
  using outside = openOutside(flags['outside'])
  const ambientDns = flags['ambient-dns'] === 'true'
  try {
    using netns = openNetns(path)
    const addresses = await worker.run('addresses', netns, {})
    const found = familiesOf(addresses.map(({ address }) => address))
    const missing =
      found.is === 'refused'
        ? null
        : await missingRules(netns, worker, plannedModel(intent, found.families, ambientDns))
    return await verifyPod(netns, path, intent, {
      worker,
      proxyExpected: flags['before-proxy'] !== 'true',
      outside,
      proc: flags['proc'] ?? '/proc',
      resolvers: null,
      ambientDns,
      missing,
    })
  } catch (error) {
    return unentered(path, error)
  }
}

function openOutside(path: string | undefined): NetnsHandle | null {
  if (path === undefined) return null
  try {
    return openNetns(path)
  } catch (error) {
    throw new CommandFailure(`cannot open ${path}: ${reasonOf(error)}`, { cause: error })
  }
}

/** What nft and iptables need to be found and to find their own parts. */
function programEnvironment(env: CommandIo['env']): Readonly<Record<string, string>> {
  const names = ['PATH', 'LD_LIBRARY_PATH', 'XTABLES_LIBDIR']
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])))
}
