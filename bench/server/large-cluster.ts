import type { JsonObject } from '../../src/core/json/value.ts'
import { cluster, namespace, node } from '../../test/app/webhook/cluster.ts'

/** The small cluster of the tests with more nodes and namespaces. */
export function largeCluster(nodes: number, namespaces: number): readonly JsonObject[] {
  return [
    ...cluster(),
    ...Array.from({ length: nodes }, (_, n) => node(`worker-${n}`)),
    ...Array.from({ length: namespaces }, (_, n) => namespace(`team-${n}`, { 'istio-injection': 'enabled' })),
  ]
}
