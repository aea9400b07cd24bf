/** How a pod's traffic can come to the mesh's proxy; the order is that of rising privilege (design: "The problem"). */
export const MODES = ['ambient', 'cni', 'init'] as const
export type Mode = (typeof MODES)[number]

/** The two modes that put an `istio-proxy` into the pod. */
export type SidecarMode = Exclude<Mode, 'ambient'>

/** What a user may ask for with the label `sluice-mesh.io/mode` on a pod or its namespace. */
export const WISHES = ['auto', ...MODES, 'none'] as const
export type Wish = (typeof WISHES)[number]

/** Modes that share one kind of data plane; a namespace that asks for one family never ends in the other by accident. */
export const FAMILIES = ['ambient', 'sidecar'] as const
export type Family = (typeof FAMILIES)[number]

/** The modes of each family, least privilege first. */
export const MODES_OF: Readonly<Record<Family, readonly Mode[]>> = { ambient: ['ambient'], sidecar: ['cni', 'init'] }

/** The family that `mode` belongs to. */
export function familyOf(mode: Mode): Family {
  return mode === 'ambient' ? 'ambient' : 'sidecar'
}
