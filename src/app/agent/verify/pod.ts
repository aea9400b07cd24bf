import type { Intent } from '../../../core/intent/intent.ts'
import type { Verdict } from '../../../core/redirection/evidence.ts'
import { type LocatedRule, ruleInWords } from '../../../core/redirection/comparison.ts'
import { capturedDns, type Resolvers } from '../../../core/redirection/pod-network.ts'
import type { Place } from '../../../edge/host/netns-jobs.ts'
import { ambientTarget, sidecarTarget } from './intent-target.ts'
import type { Target } from './target.ts'
import { measure, unentered, type VerifyOptions } from './verify.ts'

/** A pod whose traffic is to be redirected. */
export type RedirectedIntent = Exclude<Intent, { kind: 'none' }>

export interface PodVerifyOptions extends Omit<VerifyOptions, 'target' | 'missingRules'> {
  /** the DNS servers that the rules were made for; null: all DNS was captured */
  readonly resolvers: Resolvers | null
  /** whether the node captures the DNS of ambient pods that do not say otherwise */
  readonly ambientDns: boolean
  /** rules that a listing does not show; null: nobody listed them */
  readonly missing: readonly LocatedRule[] | null
}

/** So many missing rules are named: a verdict is read by people. */
const NAMED_RULES = 5

/**
 * Measures whether what `intent` promises holds in the open namespace `place`, which messages call `path`. Never rejects: a
 * namespace that cannot be entered is unknown.
 */
export async function verifyPod(
  place: Place,
  path: string,
  intent: RedirectedIntent,
  options: PodVerifyOptions,
): Promise<Verdict> {
  const { resolvers, ambientDns, missing, ...rest } = options
  const target = targetOf(intent, resolvers, ambientDns)
  try {
    return await measure(place, { ...rest, target, missingRules: missing === null ? null : inWords(missing) })
  } catch (error) {
    return unentered(path, error)
  }
}

function targetOf(intent: RedirectedIntent, resolvers: Resolvers | null, ambientDns: boolean): Target {
  if (intent.kind === 'ambient') return ambientTarget(intent, intent.dns === 'node' ? ambientDns : intent.dns === 'on')
  return sidecarTarget(intent, capturedDns(intent, { resolvers }))
}

function inWords(missing: readonly LocatedRule[]): readonly string[] {
  const more = missing.length - NAMED_RULES
  const named = missing.slice(0, NAMED_RULES).map(ruleInWords)
  return more > 0 ? [...named, `${more} more`] : named
}
