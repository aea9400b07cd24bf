import { type JsonObject, isList, objectOr, objectsOf, stringOr } from '../json/value.ts'
import type { Reason } from '../vocabulary/reasons.ts'

/** What is known of the objects of the mesh that matter to a move: by kind, or why the kind could not be read. */
export type MeshObjects = ReadonlyMap<MeshKind, readonly JsonObject[] | { readonly problem: string }>

/** Kinds that a move looks at, and where they are. A cluster may not have them. */
export const MESH_KINDS = {
  AuthorizationPolicy: { group: 'security.istio.io', version: 'v1', plural: 'authorizationpolicies' },
  RequestAuthentication: { group: 'security.istio.io', version: 'v1', plural: 'requestauthentications' },
  VirtualService: { group: 'networking.istio.io', version: 'v1', plural: 'virtualservices' },
  EnvoyFilter: { group: 'networking.istio.io', version: 'v1alpha3', plural: 'envoyfilters' },
  Sidecar: { group: 'networking.istio.io', version: 'v1', plural: 'sidecars' },
  WasmPlugin: { group: 'extensions.istio.io', version: 'v1alpha1', plural: 'wasmplugins' },
} as const
export type MeshKind = keyof typeof MESH_KINDS

/** The field by which an object needs layer 7, or how it is bound to sidecars; undefined where ztunnel is enough. */
const LAYER_7: Readonly<Partial<Record<MeshKind, (object: JsonObject) => string | undefined>>> = {
  AuthorizationPolicy: layer7Of,
  RequestAuthentication: () => 'jwtRules',
  VirtualService: ({ spec }) => (objectsOf(objectOr(spec)['http']).length > 0 ? 'http' : undefined),
}
const SIDECAR_ONLY: readonly MeshKind[] = ['EnvoyFilter', 'Sidecar', 'WasmPlugin']

const WAYPOINT_LABEL = 'istio.io/use-waypoint'

interface Place {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

/** What among the objects of `namespace`, and of the mesh's root namespace, stands in the way of ambient there. */
export function objectsAgainstAmbient(
  namespace: Place,
  rootNamespace: string,
  objects: MeshObjects,
): readonly Reason[] {
  const waypoint = namespace.labels[WAYPOINT_LABEL]
  const hasWaypoint = waypoint !== undefined && waypoint !== 'none'
  return [...objects].flatMap(([kind, found]): readonly Reason[] => {
    if ('problem' in found) return [{ code: 'objects_unread', args: { kind, problem: found.problem } }]
    const own = found.filter(({ metadata }) => [namespace.name, rootNamespace].includes(textOf(metadata, 'namespace')))
    if (SIDECAR_ONLY.includes(kind))
      return own.map((object) => ({ code: 'sidecar_object_unused', args: { object: nameOf(kind, object) } }))
    if (hasWaypoint) return []
    return own.flatMap((object): readonly Reason[] => {
      const field = LAYER_7[kind]?.(object)
      const args = { object: nameOf(kind, object), field: field ?? '' }
      return field === undefined ? [] : [{ code: 'policy_needs_waypoint', args }]
    })
  })
}

function nameOf(kind: MeshKind, { metadata }: JsonObject): string {
  return `${kind} ${textOf(metadata, 'namespace')}/${textOf(metadata, 'name')}`
}

function textOf(metadata: unknown, key: string): string {
  return stringOr(objectOr(metadata)[key]) ?? ''
}

const OPERATION = ['hosts', 'notHosts', 'methods', 'notMethods', 'paths', 'notPaths']
const SOURCE = ['requestPrincipals', 'notRequestPrincipals', 'remoteIpBlocks', 'notRemoteIpBlocks']

/** The first attribute of a request that a rule asks about; a policy that is bound to a waypoint needs nothing more. */
function layer7Of({ spec }: JsonObject): string | undefined {
  const { rules, targetRef, targetRefs, action } = objectOr(spec)
  if (targetRef !== undefined || (isList(targetRefs) && targetRefs.length > 0)) return undefined
  if (action === 'CUSTOM') return 'action CUSTOM'
  for (const rule of objectsOf(rules)) {
    const operations = objectsOf(rule['to']).map(({ operation }) => objectOr(operation))
    const sources = objectsOf(rule['from']).map(({ source }) => objectOr(source))
    const keys = objectsOf(rule['when']).map(({ key }) => stringOr(key) ?? '')
    const found =
      fieldOf(operations, OPERATION) ?? fieldOf(sources, SOURCE) ?? keys.find((key) => key.startsWith('request.'))
    if (found !== undefined) return found
  }
  return undefined
}

function fieldOf(parts: readonly JsonObject[], fields: readonly string[]): string | undefined {
  return fields.find((field) => parts.some((part) => isList(part[field]) && (part[field] as unknown[]).length > 0))
}
