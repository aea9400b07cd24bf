/** Do the nodes that could run the pod support a mode? The answer of design.md, "Coverage". */
export type ModeCoverage =
  | { readonly is: 'possible'; readonly covered: number; readonly candidates: number }
  | {
      readonly is: 'impossible'
      readonly covered: number
      readonly candidates: number
      /** a node that cannot */
      readonly example: string
    }
  /** no node fits yet (scale from zero) */
  | { readonly is: 'no-nodes' }

/** What the nodes that may get a pod can do. */
export interface NodeCoverage {
  readonly cni: ModeCoverage
  readonly ambient: ModeCoverage
}

/** What the nodes say about one pod; `installed` tells whether the DaemonSet of a family exists at all. */
export interface Coverage extends NodeCoverage {
  readonly installed: { readonly agent: boolean; readonly ztunnel: boolean }
  /** age of the oldest fact used, in seconds: NET_ADMIN is never granted on facts older than `maxStale` */
  readonly ageSeconds: number
}
