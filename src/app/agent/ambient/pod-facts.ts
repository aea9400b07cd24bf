import { type Address, parseAddress, unmapped } from '../../../core/intent/address.ts'
import { annotationsOf, specOf } from '../../../core/json/pod.ts'
import { objectOr, stringOr } from '../../../core/json/value.ts'
import { addressesOf as addressTexts } from '../../../core/repair/sweepable.ts'
import { ISTIO_ANNOTATIONS } from '../../../core/vocabulary/names.ts'
import type { WorkloadInfo } from '../../../core/zds/message.ts'
import type { NodePod } from '../node-pods.ts'

/** What enrolment reads of a pod as the API server has it. */

/** The addresses of the pod that its status names. */
export function addressesOf({ object }: NodePod): readonly Address[] {
  return parsedAddresses(addressTexts(object))
}

/** Those of `texts` that are addresses, each once. */
export function parsedAddresses(texts: readonly string[]): readonly Address[] {
  const all = texts.flatMap((text) => {
    const address = parseAddress(text)
    return address === null ? [] : [unmapped(address)]
  })
  return [...new Set(all)]
}

/** What ztunnel takes the pod's identity from. */
export function infoOf({ name, namespace, object }: NodePod): WorkloadInfo {
  return { name, namespace, serviceAccount: stringOr(specOf(object)['serviceAccountName']) ?? 'default' }
}

/** Does somebody say that the pod was brought into ambient? Never a proof: it outlives what it speaks of. */
export function claimsAmbient({ object }: NodePod): boolean {
  const said = annotationsOf(object)[ISTIO_ANNOTATIONS.redirection]
  return said === 'enabled' || said === 'pending'
}

/** Do containers of the pod run, so that it has a network that must be found? */
export function runs({ object }: NodePod): boolean {
  return objectOr(object['status'])['phase'] === 'Running'
}
