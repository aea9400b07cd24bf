import type { Functions, TemplateFunction } from './function.ts'
import { GO_FUNCTIONS } from './go.ts'
import { SPRIG_LISTS } from './sprig-lists.ts'
import { SPRIG_STRINGS } from './sprig-strings.ts'
import { SPRIG_VALUES } from './sprig-values.ts'

/** Go's and Sprig's functions, and `more`, which win where names meet, as the injector's do in Istio. */
export function functionsWith(more: Readonly<Record<string, TemplateFunction>>): Functions {
  return new Map(Object.entries({ ...GO_FUNCTIONS, ...SPRIG_STRINGS, ...SPRIG_LISTS, ...SPRIG_VALUES, ...more }))
}
