import type { NodeSet } from '../../core/decision/node-set.ts'
import { CoverageMemo } from '../../core/decision/placement/coverage-memo.ts'
import type { JsonObject } from '../../core/json/value.ts'
import { guardKeys, guardParameter, type GuardParameter } from '../../core/registration/guard-keys.ts'
import type { MeshSettings } from '../../core/settings/mesh-settings.ts'
import { parseMeshSettings } from '../../core/settings/parse-mesh-settings.ts'
import { DEFAULT_POLICY, parsePolicy, type Policy } from '../../core/settings/policy.ts'
import { oldestFirst, parseProxyConfigResource } from '../../core/settings/proxy-config-resource.ts'
import { SettingsError } from '../../core/settings/settings-error.ts'
import { COMPONENT_LABEL, COMPONENTS, CONFIG_MAPS } from '../../core/vocabulary/names.ts'
import { Collection, type Feed } from './collection.ts'
import { Latest } from './latest.ts'
import { entriesOf, OBSERVED_KINDS, type ObservedKind, type Projections } from './objects.ts'
import type { FactSource, NoSnapshot, Snapshot } from './snapshot.ts'

/** What one installation of the webhook serves and where its settings stand; then istiod's own environment variables. */
export interface Installation {
  /** empty or `default` for the default revision */
  readonly revision: string
  readonly istioNamespace: string
  readonly sluiceNamespace: string
  /** where the agent's DaemonSet is; empty: in Sluice's own namespace */
  readonly agentNamespace: string
  readonly platform: string
  readonly nativeSidecars: string
  readonly compliancePolicy: string
}

/** What istiod's ConfigMaps of the revision have at the end of their names. */
export function revisionSuffix({ revision }: Installation): string {
  return revision === '' || revision === 'default' ? '' : `-${revision}`
}

/**
 * What is known of the cluster, fed object by object; a snapshot is made when one is asked for after a change. A
 * configuration that cannot be used leaves the last good one in place.
 */
export class World implements FactSource {
  readonly #installation: Installation
  readonly #collections: { readonly [K in ObservedKind]: Collection<Projections[K]> } = {
    Namespace: new Collection(),
    Node: new Collection(),
    ConfigMap: new Collection(),
    DaemonSet: new Collection(),
    ProxyConfig: new Collection(),
  }
  readonly #settings = new Latest<MeshSettings>()
  readonly #policy = new Latest<Policy>()
  readonly #coverage = new CoverageMemo()
  #nodes: NodeSet = { generation: 0, nodes: [] }
  #kubeletVersions: ReadonlyMap<string, string> = new Map()
  #snapshot: Snapshot | undefined
  readonly ageSeconds: () => number

  /** `ageSeconds` tells how long ago the watch that has been silent for longest gave its last sign of life. */
  constructor(installation: Installation, ageSeconds: () => number) {
    this.#installation = installation
    this.ageSeconds = ageSeconds
  }

  /** A new source of objects of `kind`: from the first time that every source gave all it had, what is not known does not exist. */
  feed<K extends ObservedKind>(kind: K): Feed<Projections[K]> {
    return this.#collections[kind].feed()
  }

  current(): { readonly is: 'snapshot'; readonly snapshot: Snapshot } | NoSnapshot {
    const missing = OBSERVED_KINDS.filter((kind) => !this.#collections[kind].listed)
    if (missing.length > 0) return { is: 'not_synced', why: `not read from the cluster yet: ${missing.join(', ')}` }
    this.#takeChanges()
    if (this.#snapshot !== undefined) return { is: 'snapshot', snapshot: this.#snapshot }
    return { is: 'configuration', why: [...this.problems().values()].join('; ') }
  }

  /** the newest good policy, with or without settings of a mesh; undefined before the cluster was read */
  policy(): Policy | undefined {
    this.#takeChanges()
    return this.#policy.value
  }

  problems(): ReadonlyMap<string, string> {
    this.#takeChanges()
    const all = { mesh: this.#settings.problem, policy: this.#policy.problem }
    return new Map(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined))
  }

  #takeChanges(): void {
    if (OBSERVED_KINDS.some((kind) => !this.#collections[kind].listed)) return
    const { ConfigMap, ProxyConfig, Node, DaemonSet, Namespace } = this.#collections
    const configured = [ConfigMap.takeChanged(), ProxyConfig.takeChanged()].includes(true)
    if (configured) this.#readConfiguration()
    const noded = Node.takeChanged()
    if (noded) this.#readNodes()
    const others = [DaemonSet.takeChanged(), Namespace.takeChanged()].includes(true)
    if (configured || noded || others) this.#snapshot = this.#makeSnapshot()
  }

  #readConfiguration(): void {
    const { revision, istioNamespace, sluiceNamespace, platform, nativeSidecars, compliancePolicy } = this.#installation
    const suffix = revisionSuffix(this.#installation)
    const injector = `${istioNamespace}/${CONFIG_MAPS.injector}${suffix}`
    this.#settings.take(() =>
      parseMeshSettings({
        mesh: this.#text(`${istioNamespace}/${CONFIG_MAPS.mesh}${suffix}`, 'mesh'),
        config: this.#text(injector, 'config'),
        values: this.#text(injector, 'values'),
        revision,
        platform,
        nativeSidecars,
        compliancePolicy,
        proxyConfigResources: oldestFirst([...this.#collections.ProxyConfig.entries.values()]).map(
          parseProxyConfigResource,
        ),
      }),
    )
    this.#policy.take(() => this.#readPolicy(`${sluiceNamespace}/${CONFIG_MAPS.policy}`))
  }

  #text(name: string, key: string): string {
    const data = this.#collections.ConfigMap.entries.get(name)
    if (data === undefined) throw new SettingsError(`ConfigMap ${name}`, 'does not exist')
    const text = data[key]
    if (text === undefined) throw new SettingsError(`ConfigMap ${name}`, `has no key ${key}`)
    return text
  }

  /** No policy at all is a policy: every default. */
  #readPolicy(name: string): Policy {
    if (!this.#collections.ConfigMap.entries.has(name)) return DEFAULT_POLICY
    return parsePolicy(this.#text(name, 'policy'))
  }

  #guard(settings: MeshSettings, policy: Policy): GuardParameter {
    const { revision, sluiceNamespace } = this.#installation
    const name = revision === '' ? 'default' : revision
    const data = this.#collections.ConfigMap.entries.get(`${sluiceNamespace}/${CONFIG_MAPS.policy}`)
    return guardParameter(name, guardKeys(name, policy, settings.injector), data)
  }

  #readNodes(): void {
    const nodes = [...this.#collections.Node.entries.values()]
    this.#nodes = { generation: this.#nodes.generation + 1, nodes }
    this.#kubeletVersions = new Map(nodes.map(({ name, kubeletVersion }) => [name, kubeletVersion]))
  }

  #makeSnapshot(): Snapshot | undefined {
    const [settings, policy] = [this.#settings.value, this.#policy.value]
    if (settings === undefined || policy === undefined) return undefined
    const namespaces = new Map(this.#collections.Namespace.entries)
    const nodes = this.#nodes
    const components = [...this.#collections.DaemonSet.entries.values()].map((labels) => labels[COMPONENT_LABEL])
    return {
      settings,
      policy,
      namespace: (name) => namespaces.get(name),
      coverage: (pod) => this.#coverage.of(nodes, pod, policy.minCovered),
      installed: { agent: components.includes(COMPONENTS.agent), ztunnel: components.includes(COMPONENTS.ztunnel) },
      guard: this.#guard(settings, policy),
      kubeletVersions: this.#kubeletVersions,
    }
  }
}

/** A world that is all there is: for the stand-alone server, the demo and tests. Kinds that decisions do not rest on are passed over. */
export function worldOf(objects: readonly JsonObject[], installation: Installation): World {
  const world = new World(installation, () => 0)
  for (const kind of OBSERVED_KINDS) world.feed(kind).replace(entriesOf(kind, objects))
  return world
}
