import type { NamespaceFacts } from '../../core/decision/facts.ts'
import type { NodeCoverage } from '../../core/decision/coverage.ts'
import type { JsonObject } from '../../core/json/value.ts'
import type { GuardParameter } from '../../core/registration/guard-keys.ts'
import type { MeshSettings } from '../../core/settings/mesh-settings.ts'
import type { Policy } from '../../core/settings/policy.ts'

/** All that decisions rest on at one moment, apart from the pod: one reference, swapped whole. */
export interface Snapshot {
  readonly settings: MeshSettings
  readonly policy: Policy
  readonly namespace: (name: string) => NamespaceFacts | undefined
  readonly coverage: (pod: JsonObject) => NodeCoverage
  readonly installed: { readonly agent: boolean; readonly ztunnel: boolean }
  /** what the guard, which decides by itself, must know of policy and settings */
  readonly guard: GuardParameter
  readonly kubeletVersions: ReadonlyMap<string, string> | undefined
}

/** Why there is nothing to decide by yet. */
export interface NoSnapshot {
  readonly is: 'not_synced' | 'configuration'
  readonly why: string
}

/** Where snapshots come from; asking never waits. */
export interface FactSource {
  /** what is known now, or why nothing can be decided */
  readonly current: () => { readonly is: 'snapshot'; readonly snapshot: Snapshot } | NoSnapshot
  /** age of the oldest fact */
  readonly ageSeconds: () => number
  /** configurations whose newest version cannot be used, by name, and why */
  readonly problems: () => ReadonlyMap<string, string>
}
