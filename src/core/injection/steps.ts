import type { Step } from './draft.ts'
import { APPLY_TEMPLATES, STRIP_PREVIOUS } from './merge/apply-templates.ts'
import { CARRY_ENVIRONMENT } from './merge/carried-environment.ts'
import { CONTAINER_ORDER } from './merge/container-order.ts'
import { OWN_CONTAINERS } from './merge/own-containers.ts'
import { PROXY_USER } from './merge/proxy-user.ts'

/** What is done to a pod, in this order (injector.md §7). */
export const STEPS: readonly Step[] = [
  STRIP_PREVIOUS,
  APPLY_TEMPLATES,
  OWN_CONTAINERS,
  PROXY_USER,
  // after the environment of path and cluster, which goes to the end each time; before metrics and probes, which continue it
  CARRY_ENVIRONMENT,
  CONTAINER_ORDER,
]
