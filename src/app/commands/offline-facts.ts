import type { Coverage } from '../../core/decision/coverage.ts'
import type { NamespaceFacts } from '../../core/decision/facts.ts'
import { coded } from '../../core/explain/words.ts'
import type { FactsOfPod } from '../../core/explain/workload-documents.ts'
import { isOwnCluster } from '../../core/injection/native-sidecars.ts'
import { pathEnv } from '../../core/injection/path-env.ts'
import { isObject, type JsonObject, objectOr, stringMap, stringOr } from '../../core/json/value.ts'
import type { MeshSettings } from '../../core/settings/mesh-settings.ts'
import { parseMeshSettings } from '../../core/settings/parse-mesh-settings.ts'
import { DEFAULT_POLICY, parsePolicy, type Policy } from '../../core/settings/policy.ts'
import { SettingsError } from '../../core/settings/settings-error.ts'
import { WISHES } from '../../core/vocabulary/modes.ts'
import { ISTIO_LABELS, SLUICE_LABELS } from '../../core/vocabulary/names.ts'
import { unusableTemplates } from '../webhook/alarms.ts'
import type { Snapshot } from '../webhook/snapshot.ts'
import { worldOf } from '../webhook/world.ts'
import { type CommandIo, type FlagRow, type FlagValues, UsageError } from './command.ts'
import { readOptional } from './input.ts'
import { parseObjects } from './parse-objects.ts'
import { INSTALLATION_FLAGS, installationOf } from './installation.ts'
import { OBJECTS_FLAG, readObjects } from './objects-file.ts'
import { namespaceGiven } from './where.ts'

/** Flags by which files take the place of a cluster. */
export const OFFLINE_FLAGS: readonly FlagRow[] = [
  OBJECTS_FLAG,
  {
    name: 'mesh-config-file',
    aliases: ['meshConfigFile'],
    value: 'FILE',
    help: "Istio's mesh configuration: YAML, or its ConfigMap",
  },
  {
    name: 'values-file',
    aliases: ['valuesFile'],
    value: 'FILE',
    help: "the injector's values: JSON or YAML, or its ConfigMap",
  },
  {
    name: 'inject-config-file',
    aliases: ['injectConfigFile'],
    value: 'FILE',
    help: "the injector's configuration: YAML, or its ConfigMap",
  },
  { name: 'policy-file', value: 'FILE', help: "Sluice's policy: YAML, or its ConfigMap" },
  {
    name: 'namespace-file',
    value: 'FILE',
    help: "the pod's Namespace; without it, one labelled istio-injection=enabled",
  },
  { name: 'namespace', short: 'n', value: 'NAME', help: 'the namespace of pods that name none' },
  {
    name: 'mode',
    value: 'MODE',
    choices: WISHES,
    help: 'the mode to ask for, as the label sluice-mesh.io/mode on the namespace would',
  },
  {
    name: 'inject-path',
    value: 'PATH',
    default: '/inject',
    help: "the path of the webhook's URL, with the variables that it carries: /inject/cluster/NAME",
  },
  ...INSTALLATION_FLAGS,
]

/** Without a cluster to look at, every node is taken to be able to do everything. */
const ASSUMED: Coverage = {
  cni: { is: 'possible', covered: 1, candidates: 1 },
  ambient: { is: 'possible', covered: 1, candidates: 1 },
  installed: { agent: true, ztunnel: true },
  ageSeconds: 0,
}

/** Offline injection is asked for sidecars, as with istioctl; ambient has to be named. */
const OFFLINE_POLICY: Policy = { ...DEFAULT_POLICY, families: ['sidecar', 'ambient'] }

/** The facts without a cluster, and what of them nobody said. */
export interface Offline {
  readonly factsOf: FactsOfPod
  /** what is taken for true about pods of a namespace, and which flag says it */
  readonly assumedOf: (namespace: string) => readonly string[]
}

/** Reads the files of `OFFLINE_FLAGS`. Throws UsageError naming file and field, CommandFailure where a file cannot be read. */
export async function readOffline(flags: FlagValues, io: CommandIo): Promise<Offline> {
  const cluster = await readCluster(flags, io)
  const namespace = await readNamespace(flags, io)
  const settings = cluster === undefined || namesSettings(flags) ? await readSettings(flags, io) : cluster.settings
  const policy = (await readPolicy(flags, io)) ?? cluster?.policy ?? OFFLINE_POLICY
  // on standard error: what the settings cannot do is said whichever pods the file holds
  for (const reason of unusableTemplates(settings)) io.err(`settings: ${coded(reason)}\n`)
  const env = pathEnv(flags['inject-path'] ?? '')
  const given = namespaceGiven(flags)
  const described = (name: string): NamespaceFacts | undefined =>
    namespaceFacts(name, namespace) ?? cluster?.namespace(name)
  const factsOf: FactsOfPod = (pod, named) => {
    const name = named ?? given ?? stringOr(objectOr(namespace?.['metadata'])['name']) ?? 'default'
    return {
      pod,
      namespace: asked(flags, described(name) ?? standIn(name, flags)),
      settings,
      policy,
      coverage:
        cluster === undefined ? ASSUMED : { ...cluster.coverage(pod), installed: cluster.installed, ageSeconds: 0 },
      dryRun: true,
      pathEnv: env,
      kubeletVersions: isOwnCluster(settings, env) ? (cluster?.kubeletVersions ?? new Map()) : undefined,
    }
  }
  return {
    factsOf,
    assumedOf: (name) => [
      ...(described(name) === undefined ? [standInSays(name, flags)] : []),
      ...(cluster === undefined ? [NO_CLUSTER_SAYS] : []),
    ],
  }
}

const NO_CLUSTER_SAYS =
  'every node can do every mode (--objects describes nodes and settings; --context or --kubeconfig asks a cluster)'

/** What the API objects of `--objects` say, as the webhook would see them; undefined without the flag. */
async function readCluster(flags: FlagValues, io: CommandIo): Promise<Snapshot | undefined> {
  const path = flags['objects']
  if (path === undefined) return undefined
  const current = worldOf(await readObjects(path, io), installationOf(flags)).current()
  if (current.is === 'snapshot') return current.snapshot
  throw new UsageError(`${path}: ${current.why}`)
}

function namesSettings(flags: FlagValues): boolean {
  return ['mesh-config-file', 'values-file', 'inject-config-file'].some((name) => flags[name] !== undefined)
}

async function readPolicy(flags: FlagValues, io: CommandIo): Promise<Policy | undefined> {
  const text = await documentText(flags['policy-file'], 'policy', io)
  return text === undefined ? undefined : checked(() => parsePolicy(text))
}

async function readSettings(flags: FlagValues, io: CommandIo): Promise<MeshSettings> {
  const [mesh, values, config] = await Promise.all([
    documentText(flags['mesh-config-file'], 'mesh', io),
    documentText(flags['values-file'], 'values', io),
    documentText(flags['inject-config-file'], 'config', io),
  ])
  return checked(() => parseMeshSettings({ mesh, values, config, ...installationOf(flags) }))
}

/** A settings file that cannot be used is the user's to mend: one sentence, with the field. */
function checked<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof SettingsError) throw new UsageError(error.message, { cause: error })
    throw error
  }
}

/** The text of a settings file: as it is, or `data[key]` where the file is the ConfigMap that holds it. */
async function documentText(path: string | undefined, key: string, io: CommandIo): Promise<string | undefined> {
  const file = await readOptional(path, io)
  if (file === undefined || !/^\s*("kind"|kind)\s*:\s*"?ConfigMap/m.test(file.text)) return file?.text
  const map = parseObjects(file).find((object) => object['kind'] === 'ConfigMap')
  const data = stringOr(objectOr(map?.['data'])[key])
  if (data === undefined) throw new UsageError(`${file.name} is a ConfigMap without data.${key}`)
  return data
}

async function readNamespace(flags: FlagValues, io: CommandIo): Promise<JsonObject | undefined> {
  const file = await readOptional(flags['namespace-file'], io)
  if (file === undefined) return undefined
  const objects = parseObjects(file)
  const namespace =
    objects.find(({ kind }) => kind === 'Namespace') ??
    objects.find(({ kind, metadata }) => kind === undefined && isObject(metadata))
  if (namespace === undefined) throw new UsageError(`${file.name} holds no Namespace; it needs kind and metadata`)
  return namespace
}

function namespaceFacts(name: string, given: JsonObject | undefined): NamespaceFacts | undefined {
  if (given === undefined) return undefined
  const metadata = objectOr(given['metadata'])
  return { name, labels: stringMap(metadata['labels']), annotations: stringMap(metadata['annotations']) }
}

/** A namespace that nobody described: one that asks for sidecars, unless the mode is named by a flag. */
function standIn(name: string, flags: FlagValues): NamespaceFacts {
  return { name, labels: flags['mode'] === undefined ? { [ISTIO_LABELS.injection]: 'enabled' } : {}, annotations: {} }
}

function standInSays(name: string, flags: FlagValues): string {
  const labels = flags['mode'] === undefined ? `the label ${ISTIO_LABELS.injection}=enabled alone` : 'no label'
  return `the namespace ${name} has ${labels} (--namespace-file or --objects describes it)`
}

function asked(flags: FlagValues, namespace: NamespaceFacts): NamespaceFacts {
  const mode = flags['mode']
  return mode === undefined ? namespace : { ...namespace, labels: { ...namespace.labels, [SLUICE_LABELS.mode]: mode } }
}
