import { injectable } from './injectable.ts'
import type { Case, Verdict } from './verdict.ts'

/** The pod redirects by itself: possible on every node, allowed where NET_ADMIN, NET_RAW and root are. */
export function init(one: Case): Verdict {
  return injectable('init', one)
}
