import type { RuleModel } from './model.ts'

/**
 * Text to run, where an empty or absent one is nothing to do; or what is there, as `nft list ruleset`, `iptables-save` and
 * `ip6tables-save` say it.
 */
export type Script =
  | { readonly of: 'nftables'; readonly text: string }
  /** for `iptables-restore --noflush` and `ip6tables-restore --noflush` */
  | { readonly of: 'iptables'; readonly v4: string | null; readonly v6: string | null }

/**
 * A way to say rules to the kernel. Text in and text out; nothing is run here. A new one is one file, and the conformance
 * tests run on it unchanged.
 */
export interface Backend<S extends Script = Script> {
  readonly name: S['of']
  /** Makes `want` where none of our rules are: only additions, since a deletion waits for the kernel's grace period. */
  readonly render: (want: RuleModel) => S
  /** Makes `want` in one transaction of what `dump` shows, whoever's version made it. */
  readonly replace: (want: RuleModel, dump: S) => S
  /** Takes away what `render` of the same makes, nothing else of ours, and fails where it is not there. */
  readonly retract: (made: RuleModel) => S
  /** Takes away what `dump` shows of ours; rules of others stay. */
  readonly remove: (dump: S) => S
  /** Reads `dump` back: the chains of `owner`, and for iptables what else hangs on the kernel's chains. */
  readonly observe: (dump: S, owner: RuleModel['owner']) => RuleModel
}
