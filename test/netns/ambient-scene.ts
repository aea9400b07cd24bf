import { Actor, type Order } from './actors.ts'
import { type AmbientTestNode, KUBELET, makeNode, MODE, type TestAgent, type TestPod } from './ambient-node.ts'
import type { Ztunnel } from './ztunnel.ts'

const NOBODY = { uid: 65534, gid: 65534 }
const APP = { uid: 1000, gid: 1000 }

/** How a pod is shown that asks for ambient. */
export const IN = { labels: { [MODE]: 'ambient' } }

/** A node with an agent, a ztunnel that serves, and a pod with an application, that nothing is known of yet. */
export interface AmbientScene {
  readonly node: AmbientTestNode
  readonly agent: TestAgent
  readonly ztunnel: Ztunnel
  readonly pod: TestPod
  /** inside the pod; it serves port 8080, as the kubelet does on the node */
  readonly app: Actor
  readonly kubelet: Actor
  /** inside another pod, which is not in ambient */
  readonly neighbour: Actor
}

/** Makes the scene anew. */
export async function ambientScene(): Promise<AmbientScene> {
  const node = await makeNode()
  const agent = await node.startAgent()
  const ztunnel = await agent.ztunnel()
  const [pod, other] = [await node.addPod(), await node.addPod()]
  const app = new Actor('app', pod.netns, APP)
  const kubelet = new Actor('kubelet', node.host, KUBELET)
  for (const address of ['0.0.0.0', '::']) {
    await app.tell({ do: 'serve', over: 'tcp', address, port: 8080 })
    await kubelet.tell({ do: 'serve', over: 'tcp', address, port: 8080 })
  }
  const neighbour = new Actor('neighbour', other.netns, NOBODY)
  return { node, agent, ztunnel, pod, app, kubelet, neighbour }
}

/** A connection to port 8080 of `address`; `hold`: a name by which it can be used again. */
export function dial(address: string, hold?: string): Extract<Order, { readonly do: 'dial' }> {
  return { do: 'dial', over: 'tcp', address, port: 8080, ...(hold !== undefined && { hold }) }
}
