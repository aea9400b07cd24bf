import { admissible } from './admissible.ts'
import { injectorShuts } from './injector-shuts.ts'
import type { Case, Verdict } from './verdict.ts'
import { verdict } from './verdict.ts'

/** The pod redirects by itself: possible on every node, allowed where NET_ADMIN, NET_RAW and root are. */
export function init(one: Case): Verdict {
  const against = injectorShuts(one)
  return against.length > 0 ? verdict(against) : admissible('init', one)
}
