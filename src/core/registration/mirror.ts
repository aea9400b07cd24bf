import { KUBERNETES_NAMES } from '../vocabulary/names.ts'
import type { Named } from './admission-policy.ts'
import { quote } from './cel.ts'

/**
 * A mirror pod shows what a node runs anyway; refusing it hides the pod and stops nothing. Only a node is believed, since
 * anybody can write the annotation.
 */
export const NOT_A_MIRROR: Named = {
  name: 'not-a-mirror-by-its-node',
  expression: `!(${quote(KUBERNETES_NAMES.mirrorPod)} in object.metadata.?annotations.orValue({}) && 'system:nodes' in request.userInfo.?groups.orValue([]))`,
}
