import { differingKeys, type GuardParameter } from '../../../core/registration/guard-keys.ts'
import { CONFIG_MAPS, FIELD_MANAGER } from '../../../core/vocabulary/names.ts'
import { createClient } from '../../../edge/cluster/client.ts'
import type { LeaderParts } from './parts.ts'
import { turns } from './turns.ts'
import { write } from './writes.ts'

const CONFIG_MAP = { group: '', version: 'v1', plural: 'configmaps' }

/**
 * Keeps the guard's parameter in step with policy and settings: the keys `guard.<revision>.…` of the policy's ConfigMap, and
 * nothing else of it. What is wrong with them meanwhile, every replica says (`guard_keys_differ`).
 */
export class GuardKeys {
  readonly #parts: LeaderParts
  #seen = ''

  constructor(parts: LeaderParts) {
    this.#parts = parts
  }

  /** Keeps the keys until `signal` aborts; never throws. */
  async keep(signal: AbortSignal): Promise<void> {
    const { limits, clock, log } = this.#parts
    await turns(
      {
        limits: limits.turns,
        clock,
        changed: () => JSON.stringify(this.#parts.guard()) !== this.#seen,
        turn: async () => await this.#turn(signal),
        report: (err) => log.error({ err }, 'a turn of the leader about the keys of the guard failed'),
      },
      signal,
    )
  }

  async #turn(signal: AbortSignal): Promise<boolean> {
    const { connection, installation, log, metrics } = this.#parts
    const parameter = this.#parts.guard()
    this.#seen = JSON.stringify(parameter)
    // without a ConfigMap there is none to write to, and the leader makes no policy
    if (parameter?.found === undefined) return true
    const keys = differingKeys(parameter)
    if (keys.length === 0) return true
    const target = { resource: CONFIG_MAP, namespace: installation.sluiceNamespace, name: CONFIG_MAPS.policy }
    const call = async (): Promise<void> => {
      // a merge patch, not an apply: keys of an older version go, whoever wrote them, and a ConfigMap that is gone stays so
      await createClient(connection, { signal, fieldManager: FIELD_MANAGER }).patch(target, 'merge', {
        data: wantedOf(parameter, keys),
      })
    }
    const result = await write('guard_keys', call, { log, metrics, signal, about: { keys } })
    if (result === 'done') log.info({ keys }, 'the keys of the guard were brought up to date')
    return result === 'done'
  }
}

/** null takes a key away. */
function wantedOf({ wanted }: GuardParameter, keys: readonly string[]): Readonly<Record<string, string | null>> {
  return Object.fromEntries(keys.map((key) => [key, wanted[key] ?? null]))
}
