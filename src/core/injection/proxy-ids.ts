import type { NamespaceFacts } from '../decision/facts.ts'
import type { MeshSettings } from '../settings/mesh-settings.ts'
import type { ProxyIds } from './templates/template.ts'

/** The user and group of Istio's image. */
export const DEFAULT_ID = 1337
const UID_RANGE = 'openshift.io/sa.scc.uid-range'
const GROUPS = 'openshift.io/sa.scc.supplemental-groups'

/** The first and last id of an OpenShift block. */
export interface IdBlock {
  readonly start: number
  readonly end: number
}

/** The first block of `text`, `start/size` or `start-end`, others after a comma; undefined where it is none (table `uidBlock`). */
export function idBlock(text: string): IdBlock | undefined {
  const match = /^(\d+)([/-])(\d+)$/.exec(text.split(',')[0] ?? '')
  if (match === null) return undefined
  const start = Number(match[1])
  const second = Number(match[3])
  return { start, end: match[2] === '/' ? start + second - 1 : second }
}

/**
 * User and group of the proxy: 1337, on OpenShift the last ids that the namespace may use, so that its security context
 * constraint admits them and no application is likely to hold them (injector.md §13).
 */
export function proxyIds(settings: MeshSettings, namespace: NamespaceFacts): ProxyIds {
  if (settings.platform !== 'openshift') return { uid: DEFAULT_ID, gid: DEFAULT_ID }
  const users = namespace.annotations[UID_RANGE] ?? ''
  const groups = namespace.annotations[GROUPS] ?? users
  return { uid: idBlock(users)?.end ?? DEFAULT_ID, gid: idBlock(groups)?.end ?? DEFAULT_ID }
}
