/**
 * Names that others look for. Istio's keep Istio's spelling, since istiod, ztunnel and `istioctl` read them; what is
 * Sluice's own stands under `sluice-mesh.io/`.
 */
export const SLUICE_LABELS = {
  /** the wish: `auto | ambient | cni | init | none` on a pod or its namespace; Sluice never writes it */
  mode: 'sluice-mesh.io/mode',
  /** which installation of the webhook a configuration belongs to; never Istio's label, which istiod would act on */
  revision: 'sluice-mesh.io/revision',
} as const

/** The answer: written by the webhook on each pod that it decided, never read by the decision. */
export const ANSWER_ANNOTATIONS = {
  decided: 'sluice-mesh.io/decided',
  reason: 'sluice-mesh.io/reason',
  intent: 'sluice-mesh.io/intent',
} as const

/** Labels that the leader keeps on nodes: an agent there has been able to do the mode (value `ready`). */
export const NODE_LABELS = {
  cni: 'sluice-mesh.io/cni',
  ambient: 'sluice-mesh.io/ambient',
} as const
export const NODE_LABEL_READY = 'ready'

export const CONTAINERS = {
  proxy: 'istio-proxy',
  init: 'istio-init',
  validation: 'istio-validation',
  coreDump: 'enable-core-dump',
} as const
