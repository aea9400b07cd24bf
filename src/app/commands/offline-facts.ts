import type { Coverage } from '../../core/decision/coverage.ts'
import type { NamespaceFacts } from '../../core/decision/facts.ts'
import type { FactsOfPod } from '../../core/explain/workload-documents.ts'
import { isObject, type JsonObject, objectOr, stringMap, stringOr } from '../../core/json/value.ts'
import type { MeshSettings } from '../../core/settings/mesh-settings.ts'
import { parseMeshSettings } from '../../core/settings/parse-mesh-settings.ts'
import { DEFAULT_POLICY, type Policy } from '../../core/settings/policy.ts'
import { SettingsError } from '../../core/settings/settings-error.ts'
import { WISHES } from '../../core/vocabulary/modes.ts'
import { ISTIO_LABELS, SLUICE_LABELS } from '../../core/vocabulary/names.ts'
import { type CommandIo, type FlagRow, type FlagValues, UsageError } from './command.ts'
import { parseObjects, readOptional } from './input.ts'

/** Flags by which files take the place of a cluster. */
export const OFFLINE_FLAGS: readonly FlagRow[] = [
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
  { name: 'revision', value: 'NAME', help: 'the revision of the control plane' },
]

/** What the files and flags say, apart from the pod. */
export interface OfflineFacts {
  readonly settings: MeshSettings
  readonly policy: Policy
  readonly factsOf: FactsOfPod
}

/** Without a cluster to look at, every node is taken to be able to do everything. */
const ASSUMED: Coverage = {
  cni: { is: 'possible', covered: 1, candidates: 1 },
  ambient: { is: 'possible', covered: 1, candidates: 1 },
  installed: { agent: true, ztunnel: true },
  ageSeconds: 0,
}

/** Reads the files of `OFFLINE_FLAGS`. Throws UsageError naming file and field, CommandFailure where a file cannot be read. */
export async function readOfflineFacts(flags: FlagValues, io: CommandIo): Promise<OfflineFacts> {
  const settings = await readSettings(flags, io)
  const namespace = await readNamespace(flags, io)
  // offline injection is asked for sidecars, as with istioctl; ambient has to be named
  const policy: Policy = { ...DEFAULT_POLICY, families: ['sidecar', 'ambient'] }
  return {
    settings,
    policy,
    factsOf: (pod, name) => ({
      pod,
      namespace: namespaceOf(name, namespace, flags),
      settings,
      policy,
      coverage: ASSUMED,
      dryRun: true,
      pathEnv: {},
      kubeletVersions: new Map(),
    }),
  }
}

async function readSettings(flags: FlagValues, io: CommandIo): Promise<MeshSettings> {
  const [mesh, values, config] = await Promise.all([
    documentText(flags['mesh-config-file'], 'mesh', io),
    documentText(flags['values-file'], 'values', io),
    documentText(flags['inject-config-file'], 'config', io),
  ])
  try {
    return parseMeshSettings({ mesh, values, config, revision: flags['revision'] })
  } catch (error) {
    if (error instanceof SettingsError) throw new UsageError(error.message, { cause: error })
    throw error
  }
}

/** The text of a settings file: as it is, or `data[key]` where the file is the ConfigMap that holds it. */
async function documentText(path: string | undefined, key: string, io: CommandIo): Promise<string | undefined> {
  const text = await readOptional(path, io)
  if (path === undefined || text === undefined || !/^\s*("kind"|kind)\s*:\s*"?ConfigMap/m.test(text)) return text
  const map = parseObjects(text, path).find((object) => object['kind'] === 'ConfigMap')
  const data = stringOr(objectOr(map?.['data'])[key])
  if (data === undefined) throw new UsageError(`${path} is a ConfigMap without data.${key}`)
  return data
}

async function readNamespace(flags: FlagValues, io: CommandIo): Promise<JsonObject | undefined> {
  const path = flags['namespace-file']
  const text = await readOptional(path, io)
  if (path === undefined || text === undefined) return undefined
  const namespace = parseObjects(text, path).find(
    (object) => object['kind'] === 'Namespace' || isObject(object['metadata']),
  )
  if (namespace === undefined) throw new UsageError(`${path} holds no Namespace; it needs kind and metadata`)
  return namespace
}

function namespaceOf(of: string | undefined, given: JsonObject | undefined, flags: FlagValues): NamespaceFacts {
  const metadata = objectOr(given?.['metadata'])
  const name = of ?? flags['namespace'] ?? stringOr(metadata['name']) ?? 'default'
  const mode = flags['mode']
  const asked = mode === undefined ? {} : { [SLUICE_LABELS.mode]: mode }
  const standIn = mode === undefined ? { [ISTIO_LABELS.injection]: 'enabled' } : {}
  const labels = given === undefined ? standIn : stringMap(metadata['labels'])
  return { name, labels: { ...labels, ...asked }, annotations: stringMap(metadata['annotations']) }
}
