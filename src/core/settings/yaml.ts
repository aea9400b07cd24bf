import { type DocumentOptions, parseAllDocuments, type ParseOptions, type SchemaOptions, stringify } from 'yaml'
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
 * keys counts, of several documents the first, empty is null. Throws where it is no YAML, or where aliases would make it explode.
 */
export function parseYaml(text: string): Json {
  return (text.startsWith('{') ? json(text) : undefined) ?? yaml(text)
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
