import { verdictReport, verdictText } from '../agent/verify/report.ts'
import { coded } from '../../core/explain/words.ts'
import { decodeIntent } from '../../core/intent/codec.ts'
import { intentOfDocument, kindOfDocument } from '../../core/intent/document.ts'
import { BARE_SIDECAR, type IntentResult } from '../../core/intent/intent.ts'
import type { JsonObject } from '../../core/json/value.ts'
import type { Verdict } from '../../core/redirection/evidence.ts'
import { familiesOf } from '../../core/redirection/pod-network.ts'
import { plannedModel } from '../../core/redirection/rules-text.ts'
import { addressesOf } from '../../core/repair/sweepable.ts'
import { type NetnsHandle, openNetns } from '../../edge/host/namespaces.ts'
import { NetnsWorker } from '../../edge/host/netns-worker.ts'
import { missingRules } from '../agent/verify/listing.ts'
import { type RedirectedIntent, verifyPod } from '../agent/verify/pod.ts'
import type { Found } from '../agent/netns-finder.ts'
import { unentered } from '../agent/verify/verify.ts'
import { type Command, CommandFailure, type CommandIo, type FlagValues, UsageError } from './command.ts'
import type { ExitName } from './exit-code.ts'
import { FILE_FLAG, readInput, reasonOf } from './input.ts'
import { parsePodOrConfiguration } from './parse-objects.ts'
import { OUTPUT_FLAG, render } from './output.ts'
import { findPod, type NodePlaces } from './verify/find-pod.ts'

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
      help: 'the network namespace of the pod, as /var/run/netns/NAME or /proc/PID/ns/net; without it, the pod of -f is looked for on this node',
    },
    {
      name: 'netns-dir',
      value: 'DIR',
      default: '/var/run/netns',
      help: 'where the runtime keeps the network namespaces of pods, to look for the pod there',
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
    'kubectl get pod web -o json | kubectl -n sluice-system exec -i AGENT -- /usr/bin/node /sluice/main.js verify -f -',
  ],
  run: async (flags, _positional, io) => {
    const document = await documentFrom(flags, io)
    const read = intentFrom(flags, document)
    if (read.is !== 'redirect') {
      io.err(`${read.is === 'skip' ? 'nothing to measure' : 'refused'}: ${coded(read.reason)}\n`)
      return read.is === 'skip' ? 'ok' : 'usage'
    }
    const { intent } = read
    if (intent.kind === 'none') {
      io.err('nothing to measure: nothing is to be redirected in this pod\n')
      return 'ok'
    }
    const verdict = await measured(sought(flags, document), intent, flags, io)
    io.out(render(flags, verdictReport(verdict), () => verdictText(verdict)))
    return EXITS[verdict.is]
  },
}

async function documentFrom({ filename }: FlagValues, io: CommandIo): Promise<JsonObject | null> {
  return filename === undefined ? null : parsePodOrConfiguration(await readInput(filename, io))
}

function intentFrom({ intent }: FlagValues, document: JsonObject | null): IntentResult {
  if (document !== null && intent !== undefined) throw new UsageError('verify takes -f or --intent, not both')
  if (intent !== undefined) return decodeIntent(intent)
  return document === null ? { is: 'redirect', intent: USUAL } : intentOfDocument(document)
}

/** Where to measure: a path, or a pod that runs on this node. */
type Sought = { readonly by: 'path'; readonly path: string } | { readonly by: 'pod'; readonly pod: JsonObject }

function sought({ netns, filename }: FlagValues, document: JsonObject | null): Sought {
  if (netns !== undefined) return { by: 'path', path: netns }
  if (document === null || kindOfDocument(document) !== 'pod') throw new UsageError(UNPLACED)
  if (addressesOf(document).length === 0)
    throw new UsageError(`${filename ?? ''} says no address of the pod (status.podIP); ${UNPLACED}`)
  return { by: 'pod', pod: document }
}

const UNPLACED = 'verify needs --netns PATH, or by -f the pod as the API server shows it, which runs on this node'

async function measured(where: Sought, intent: RedirectedIntent, flags: FlagValues, io: CommandIo): Promise<Verdict> {
  await using worker = await NetnsWorker.start({
    libnftables: flags['libnftables'] ?? null,
    programs: { directory: '', env: programEnvironment(io.env) },
  })
  using outside = openOutside(flags['outside'])
  const proc = flags['proc'] ?? '/proc'
  const ambientDns = flags['ambient-dns'] === 'true'
  const places = { proc, netnsDir: flags['netns-dir'] ?? '', outside }
  try {
    const found = await placeOf(where, worker, places)
    if (found.is === 'lost') return { is: 'unknown', measured: [], also: [found.reason] }
    using netns = found.netns
    const addresses = await worker.run('addresses', netns, {})
    const families = familiesOf(addresses.map(({ address }) => address))
    const missing =
      families.is === 'refused'
        ? null
        : await missingRules(netns, worker, plannedModel(intent, families.families, ambientDns))
    return await verifyPod(netns, found.path, intent, {
      worker,
      proxyExpected: flags['before-proxy'] !== 'true',
      outside,
      proc,
      resolvers: null,
      ambientDns,
      missing,
    })
  } catch (error) {
    return unentered(where.by === 'path' ? where.path : 'of the pod', error)
  }
}

async function placeOf(where: Sought, worker: NetnsWorker, places: NodePlaces): Promise<Found> {
  if (where.by === 'pod') return await findPod(where.pod, worker, places)
  return { is: 'found', netns: openNetns(where.path), path: where.path }
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
