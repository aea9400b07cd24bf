import type { Facts } from '../../core/decision/facts.ts'
import type { Audience } from '../../core/decision/selectors.ts'
import type { FactsOfPod } from '../../core/explain/workload-documents.ts'
import { isOwnCluster } from '../../core/injection/native-sidecars.ts'
import { pathEnv } from '../../core/injection/path-env.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../../core/json/value.ts'
import type { Registry } from '../../core/explain/live-outcome.ts'
import { ENTRY_SUFFIX } from '../../core/registration/webhook-configuration.ts'
import { WORKLOAD_KINDS, type WorkloadKindName } from '../../core/vocabulary/workload-kinds.ts'
import { hasStatus } from '../../edge/cluster/api-error.ts'
import { type ClusterClient, createClient } from '../../edge/cluster/client.ts'
import { listAll } from '../../edge/cluster/list-all.ts'
import type { Target } from '../../edge/cluster/resource.ts'
import { watchedBy } from '../webhook/cluster-facts.ts'
import { entriesOf } from '../webhook/objects.ts'
import type { Snapshot } from '../webhook/snapshot.ts'
import { type Installation, World } from '../webhook/world.ts'
import { CLUSTER_FLAGS, connect } from './cluster.ts'
import { type CommandIo, CommandFailure, type FlagRow, type FlagValues } from './command.ts'
import { INSTALLATION_FLAGS, installationOf } from './installation.ts'
import { ALL_NAMESPACES_FLAG, labelsOfNamespace, NAMESPACE_FLAG, namespaceMeant, selectionOf } from './where.ts'

/** Flags of every command that looks at a live cluster. */
export const LIVE_FLAGS: readonly FlagRow[] = [
  NAMESPACE_FLAG,
  ALL_NAMESPACES_FLAG,
  ...CLUSTER_FLAGS,
  ...INSTALLATION_FLAGS,
]

/** A cluster as it was a moment ago: what the webhook would decide by, and whatever else is asked for. */
export interface Live {
  readonly client: ClusterClient
  readonly installation: Installation
  readonly world: World
  /** the live MutatingWebhookConfigurations, and for whom this installation speaks */
  readonly registry: Registry
  /** the namespace to look into; undefined for all */
  readonly namespace: string | undefined
  /** what decisions rest on. Throws CommandFailure where the settings are missing or unusable. */
  readonly snapshot: () => Snapshot
  readonly factsOf: FactsOfPod
  readonly pods: () => Promise<readonly JsonObject[]>
}

const WEBHOOKS: Target = {
  resource: { group: 'admissionregistration.k8s.io', version: 'v1', plural: 'mutatingwebhookconfigurations' },
}

/** Reads by one list of each kind what the webhook watches. */
export async function readLive(flags: FlagValues, io: CommandIo): Promise<Live> {
  const connection = await connect(flags, io)
  const client = createClient(connection, { timeoutMs: 30_000, signal: io.stop })
  const installation = installationOf(flags)
  const namespace = namespaceMeant(flags, connection.namespace)
  const [world, webhooks] = await Promise.all([
    worldOnce(client, installation),
    listAll(client, WEBHOOKS),
    namespace === undefined ? undefined : labelsOfNamespace(client, namespace),
  ])
  const env = pathEnv(webhookPath(webhooks))
  const snapshot = (): Snapshot => {
    const current = world.current()
    if (current.is === 'snapshot') return current.snapshot
    throw new CommandFailure(`nothing can be decided: ${current.why}`)
  }
  return {
    client,
    installation,
    world,
    registry: { webhooks, audience: audienceOf(installation, webhooks) },
    namespace,
    snapshot,
    factsOf: (pod, named) => factsIn(snapshot(), pod, named ?? namespace ?? connection.namespace, env),
    pods: async () => await listAll(client, targetOf('Pod', namespace), selectionOf(flags)),
  }
}

/** Where objects of a kind are. */
export function targetOf(kind: WorkloadKindName, namespace: string | undefined, name?: string): Target {
  const { group, version, plural } = WORKLOAD_KINDS[kind]
  return {
    resource: { group, version, plural },
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  }
}

/** What the webhook watches, read once. */
export async function worldOnce(client: ClusterClient, installation: Installation): Promise<World> {
  const world = new World(installation, () => 0)
  await Promise.all(
    watchedBy(installation).map(async ({ kind, target, selection, optional }) => {
      const objects = await listAll(client, target, selection).catch((error: unknown) => {
        if (optional === true && hasStatus(error, 404)) return []
        throw error
      })
      // a list does not repeat the kind on its items
      const known = objects.map((object) => ({ ...object, kind }))
      world.feed(kind).replace(entriesOf(kind, known))
    }),
  )
  return world
}

/** For whom the installation speaks, by its own live `webhooks`. */
export function audienceOf({ revision }: Installation, webhooks: readonly JsonObject[]): Audience {
  const isDefault = revision === '' || revision === 'default'
  const entries = webhooks.flatMap((configuration) => objectsOf(configuration['webhooks']))
  const namespacesByDefault = entries.some(({ name }) => name === `auto.${ENTRY_SUFFIX}`)
  return { revision: isDefault ? 'default' : revision, isDefault, namespacesByDefault }
}

/** The path of the webhook's URL carries environment of the proxy. */
function webhookPath(configurations: readonly JsonObject[]): string {
  const entry = configurations
    .flatMap((configuration) => objectsOf(configuration['webhooks']))
    .find(({ name }) => stringOr(name)?.endsWith(`.${ENTRY_SUFFIX}`) === true)
  const { service, url } = objectOr(entry?.['clientConfig'])
  const address = stringOr(url)
  const path = stringOr(objectOr(service)['path']) ?? (address === undefined ? '' : new URL(address).pathname)
  return decodeURIComponent(path)
}

function factsIn(snapshot: Snapshot, pod: JsonObject, name: string, env: Readonly<Record<string, string>>): Facts {
  const namespace = snapshot.namespace(name)
  if (namespace === undefined) throw new CommandFailure(`there is no namespace ${name}`)
  const { settings, policy, coverage, installed, kubeletVersions } = snapshot
  return {
    pod,
    namespace,
    settings,
    policy,
    coverage: { ...coverage(pod), installed, ageSeconds: 0 },
    dryRun: true,
    pathEnv: env,
    kubeletVersions: isOwnCluster(settings, env) ? kubeletVersions : undefined,
  }
}
