import { projectNode } from '../decision/node-set.ts'
import { type JsonObject, objectOr, stringOr } from '../json/value.ts'
import { NODE_PLATFORMS, type NodePlatform, type NodeSign } from '../vocabulary/node-platforms.ts'
import { VIRTUAL_NODE_LABELS } from '../vocabulary/virtual-nodes.ts'

/** What a kubelet says of the node that it runs on; text that is not told is empty. */
export interface NodeSystem {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly linux: boolean
  readonly kernel: string
  /** as `containerd://1.7.24` */
  readonly runtime: string
  readonly osImage: string
  readonly kubelet: string
}

/** The facts of one Node object. */
export function projectSystem(node: JsonObject): NodeSystem {
  const info = objectOr(objectOr(node['status'])['nodeInfo'])
  const { name, labels, linux, kubeletVersion } = projectNode(node)
  return {
    name,
    labels,
    linux,
    kernel: stringOr(info['kernelVersion']) ?? '',
    runtime: stringOr(info['containerRuntimeVersion']) ?? '',
    osImage: stringOr(info['osImage']) ?? '',
    kubelet: kubeletVersion,
  }
}

/** The platform that the chart's affinity keeps agents away from by the node's labels; undefined where it does not. */
export function virtualPlatformOf({ labels }: NodeSystem): string | undefined {
  return VIRTUAL_NODE_LABELS.find(({ key, value }) => labels[key] === value)?.platform
}

/** The platform for which something must be set; undefined where nothing is known that must. */
export function nodePlatformOf(node: NodeSystem): NodePlatform | undefined {
  return NODE_PLATFORMS.find(({ sign }) => matches(node, sign))
}

function matches(node: NodeSystem, { label, name, kubelet, runtime, osImage }: NodeSign): boolean {
  return (
    (label === undefined || Object.hasOwn(node.labels, label)) &&
    (name?.test(node.name) ?? true) &&
    (kubelet?.test(node.kubelet) ?? true) &&
    (runtime?.test(node.runtime) ?? true) &&
    (osImage?.test(node.osImage) ?? true)
  )
}
