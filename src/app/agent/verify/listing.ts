import type { Script } from '../../../core/redirection/backend.ts'
import { compareRules, type LocatedRule } from '../../../core/redirection/comparison.ts'
import { IPTABLES } from '../../../core/redirection/iptables.ts'
import { isHook, type RuleModel } from '../../../core/redirection/model.ts'
import { NFTABLES } from '../../../core/redirection/nftables.ts'
import { BACKENDS, type Dump } from '../../../edge/host/apply.ts'
import type { Place } from '../../../edge/host/netns-jobs.ts'
import type { NetnsWorker } from '../../../edge/host/netns-worker.ts'

/**
 * The rules of `want` that are not listed in `place`, whichever backend they were made with; null where no backend lists
 * rules of ours, since the program that made them may not be here.
 */
export async function missingRules(
  place: Place,
  worker: NetnsWorker,
  want: RuleModel,
): Promise<readonly LocatedRule[] | null> {
  for (const backend of BACKENDS) {
    const dump = await worker.run('dump', place, { backend })
    if (!dump.ok) continue
    const have = observe(scriptOf(dump), want.owner)
    if (have.chains.some(({ name, rules }) => !isHook(name) && rules.length > 0))
      return compareRules(want, have).missing
  }
  return null
}

function observe(script: Script, owner: RuleModel['owner']): RuleModel {
  return script.of === 'nftables' ? NFTABLES.observe(script, owner) : IPTABLES.observe(script, owner)
}

function scriptOf(dump: Extract<Dump, { ok: true }>): Script {
  return 'nft' in dump ? { of: 'nftables', text: dump.nft } : { of: 'iptables', v4: dump.v4, v6: dump.v6 }
}
