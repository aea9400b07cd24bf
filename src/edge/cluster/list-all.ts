import type { ApiObject } from './api-object.ts'
import type { ClusterClient, Selection } from './client.ts'
import type { Target } from './resource.ts'

const PAGE_ITEMS = 500

/** Every object of a collection, page by page. Throws as the client does. */
export async function listAll(
  client: Pick<ClusterClient, 'list'>,
  target: Target,
  selection: Selection = {},
): Promise<readonly ApiObject[]> {
  const all: ApiObject[] = []
  let next: string | undefined
  do {
    const page = await client.list(target, { ...selection, limit: PAGE_ITEMS, continue: next })
    all.push(...page.items)
    next = page.next
  } while (next !== undefined)
  return all
}
