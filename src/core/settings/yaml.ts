import { type DocumentOptions, parseAllDocuments, type ParseOptions, type SchemaOptions, stringify } from 'yaml'
import { MAX_DEPTH } from '../json/parse.ts'
import type { Json } from '../json/value.ts'

/** Tags of YAML 1.1 that Istio's parser does not know: without this `1:30` were a number and `2001-01-01` a date. */
const UNKNOWN_TO_ISTIO = new Set([
  'tag:yaml.org,2002:binary',
  'tag:yaml.org,2002:omap',
  'tag:yaml.org,2002:pairs',
  'tag:yaml.org,2002:set',
  'tag:yaml.org,2002:timestamp',
])

/**
 * YAML as Kubernetes' own programs read it: 1.1, where `yes` is a boolean, `0644` is octal and `<<` merges. Whoever writes for
 * them must read it so, too: else `defaultMode: 0644` becomes 644, and a pod called `y` a boolean.
 */
export const KUBERNETES_YAML: ParseOptions & DocumentOptions & SchemaOptions = {
  version: '1.1',
  logLevel: 'error',
  customTags: (tags) =>
    tags.filter((tag) => typeof tag === 'string' || (!UNKNOWN_TO_ISTIO.has(tag.tag) && tag.format !== 'TIME')),
}

/**
 * The value of a YAML (or JSON) text as Istio reads it: YAML 1.1 (`yes` and `on` are booleans), the last of two equal
 * keys counts, of several documents the first, empty is null. Throws where it is no YAML, where aliases would make it explode, and as
 * `finite` does.
 */
export function parseYaml(text: string): Json {
  return finite((text.startsWith('{') ? json(text) : undefined) ?? yaml(text))
}

/**
 * `value`, of a text that somebody wrote, as one that all may walk through. Throws a RangeError where an alias stands for what it is a part of
 * (`&a [*a]`), or where it is deeper than a text of JSON may be.
 */
export function finite<T>(value: T): T {
  const [above, done] = [new Set<unknown>(), new Set<unknown>()]
  const look = (one: unknown): void => {
    if (typeof one !== 'object' || one === null || done.has(one)) return
    if (above.has(one)) throw new RangeError('an alias stands for what it is a part of')
    if (above.size > MAX_DEPTH) throw new RangeError(`it is nested more than ${MAX_DEPTH} levels deep`)
    above.add(one)
    for (const each of Object.values(one)) look(each)
    above.delete(one)
    done.add(one)
  }
  look(value)
  return value
}

/** JSON is YAML, and is read a hundred times faster: settings and annotations often are. */
function json(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

function yaml(text: string): Json {
  const documents = parseAllDocuments(text, { ...KUBERNETES_YAML, uniqueKeys: false })
  const [first] = documents
  if (first === undefined || !('contents' in first)) return null
  const [problem] = first.errors
  if (problem !== undefined) throw problem
  return first.toJS() as Json
}

/** `value` as YAML in blocks, keys sorted, no line folded: as Istio's templates get it of `toYaml`. */
export function yamlText(value: Json): string {
  return stringify(value, { version: '1.1', lineWidth: 0, sortMapEntries: true, aliasDuplicateObjects: false })
}
