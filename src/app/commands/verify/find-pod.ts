import type { JsonObject } from '../../../core/json/value.ts'
import { objectOr, stringOr } from '../../../core/json/value.ts'
import { addressesOf } from '../../../core/repair/sweepable.ts'
import { type NetnsHandle, openNetns, OWN_NETNS } from '../../../edge/host/namespaces.ts'
import type { NetnsWorker } from '../../../edge/host/netns-worker.ts'
import { parsedAddresses } from '../../agent/ambient/pod-facts.ts'
import { type Found, NetnsFinder } from '../../agent/netns-finder.ts'

/** Where a node keeps what leads to the namespaces of its pods. */
export interface NodePlaces {
  readonly proc: string
  readonly netnsDir: string
  /** the node's network namespace; null: that of this process */
  readonly outside: NetnsHandle | null
}

/** The network namespace of `pod`, as the API server shows it, if the pod runs on this node. */
export async function findPod(pod: JsonObject, worker: NetnsWorker, places: NodePlaces): Promise<Found> {
  const uid = stringOr(objectOr(pod['metadata'])['uid']) ?? ''
  using own = openNetns(OWN_NETNS)
  const { outside, ...rest } = places
  // no journal: what the agent remembers is its own, and what runs shows itself
  const finder = new NetnsFinder({ ...rest, worker, host: outside ?? own, journal: { get: () => undefined } })
  return await finder.find({ uid, addresses: parsedAddresses(addressesOf(pod)) })
}
