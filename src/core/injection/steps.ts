import { DROP_ASSIGNED_IDS } from './assigned-ids.ts'
import type { Step } from './draft.ts'
import { APPLY_TEMPLATES, STRIP_PREVIOUS } from './merge/apply-templates.ts'
import { CONTAINER_ORDER } from './merge/container-order.ts'
import { KEEP_FOREIGN } from './merge/keep-foreign.ts'
import { OWN_CONTAINERS } from './merge/own-containers.ts'
import { PROXY_USER } from './merge/proxy-user.ts'
import { CAUTIONS } from './cautions.ts'
import { NETWORK_LABEL, PATH_ENV } from './cluster-network.ts'
import { REWRITE_PROBES } from './probes.ts'
import { MERGE_PROMETHEUS, SECURE_PORT_ANNOTATION } from './prometheus.ts'
import { RESTORE_TRAFFIC } from './restore-traffic.ts'
import { SECCOMP_DEFAULT } from './seccomp.ts'
import { SETTLE } from './settle.ts'
import { INJECTED_ANNOTATIONS, STATUS_ANNOTATION } from './status.ts'
import { VALIDATE_ANNOTATIONS } from './validate-annotations.ts'

/** What is done to a pod, in this order (injector.md §7). */
export const STEPS: readonly Step[] = [
  VALIDATE_ANNOTATIONS,
  DROP_ASSIGNED_IDS,
  SETTLE,
  STRIP_PREVIOUS,
  RESTORE_TRAFFIC,
  APPLY_TEMPLATES,
  OWN_CONTAINERS,
  PROXY_USER,
  // the environment of the URL comes before what metrics and probes add to it
  PATH_ENV,
  MERGE_PROMETHEUS,
  SECURE_PORT_ANNOTATION,
  REWRITE_PROBES,
  NETWORK_LABEL,
  STATUS_ANNOTATION,
  INJECTED_ANNOTATIONS,
  SECCOMP_DEFAULT,
  CONTAINER_ORDER,
  // after all that changes the pod: it compares with what is there
  KEEP_FOREIGN,
  CAUTIONS,
]
