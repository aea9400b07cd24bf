import { COMPONENT_LABEL, COMPONENTS, CONFIG_MAPS } from '../../core/vocabulary/names.ts'
import type { Selection } from '../../edge/cluster/client.ts'
import type { Clock } from '../../edge/cluster/clock.ts'
import type { Connection } from '../../edge/cluster/connection.ts'
import { ListWatch } from '../../edge/cluster/list-watch.ts'
import type { ListWatchLimits, ListWatchProblem } from '../../edge/cluster/list-watch-options.ts'
import type { Target } from '../../edge/cluster/resource.ts'
import { PROJECT, type ObservedKind } from './objects.ts'
import { revisionSuffix, World, type Installation } from './world.ts'

/** Facts that a cluster keeps fresh. */
export interface ClusterFacts {
  readonly world: World
  /** follows the cluster until told to stop; never throws */
  readonly run: (signal: AbortSignal) => Promise<void>
}

export interface ClusterFactsOptions {
  readonly connection: Connection
  readonly installation: Installation
  readonly report: (kind: ObservedKind, problem: ListWatchProblem) => void
  readonly limits?: Partial<ListWatchLimits>
  readonly clock?: Clock
}

/** One watch: what it asks for, and nothing that it does not. */
export interface Watched {
  readonly kind: ObservedKind
  readonly target: Target
  readonly selection?: Selection
  /** the kind may not be installed */
  readonly optional?: boolean
}

/** Everything that decisions rest on, as the RBAC of the webhook must allow it to be read. */
export function watchedBy(installation: Installation): readonly Watched[] {
  const { istioNamespace, sluiceNamespace } = installation
  const suffix = revisionSuffix(installation)
  const configMap = (namespace: string, name: string): Watched => ({
    kind: 'ConfigMap',
    target: { resource: { group: '', version: 'v1', plural: 'configmaps' }, namespace },
    selection: { fieldSelector: `metadata.name=${name}` },
  })
  return [
    { kind: 'Namespace', target: { resource: { group: '', version: 'v1', plural: 'namespaces' } } },
    { kind: 'Node', target: { resource: { group: '', version: 'v1', plural: 'nodes' } } },
    configMap(istioNamespace, `${CONFIG_MAPS.mesh}${suffix}`),
    configMap(istioNamespace, `${CONFIG_MAPS.injector}${suffix}`),
    configMap(sluiceNamespace, CONFIG_MAPS.policy),
    {
      kind: 'DaemonSet',
      target: { resource: { group: 'apps', version: 'v1', plural: 'daemonsets' } },
      selection: { labelSelector: `${COMPONENT_LABEL} in (${Object.values(COMPONENTS).join(',')})` },
    },
    {
      kind: 'ProxyConfig',
      target: { resource: { group: 'networking.istio.io', version: 'v1beta1', plural: 'proxyconfigs' } },
      optional: true,
    },
  ]
}

/**
 * Follows what decisions rest on in a real cluster. Each object is cut down to what is kept of it as soon as it arrives; the
 * age of the facts is that of the watch that has been without a proof for longest.
 */
export function clusterFacts({ connection, installation, report, limits, clock }: ClusterFactsOptions): ClusterFacts {
  const world: World = new World(installation, () => Math.max(...watches.map(({ ageMs }) => ageMs)) / 1000)
  const watches = watchedBy(installation).map(({ kind, ...what }) => {
    return new ListWatch({
      ...what,
      connection,
      project: PROJECT[kind],
      sink: world.feed(kind),
      report: (problem) => report(kind, problem),
      ...(limits === undefined ? {} : { limits }),
      ...(clock === undefined ? {} : { clock }),
    })
  })
  return {
    world,
    run: async (signal) => {
      await Promise.all(watches.map(async (watch) => await watch.run(signal)))
    },
  }
}
