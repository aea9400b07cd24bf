import { readFileSync } from 'node:fs'
import { familyOf } from './addresses.ts'
import { libc } from './libc.ts'
import { insideNetns } from './namespaces.ts'
import { joinPod, openScratchNetns, type ScratchNetwork } from './scratch-network.ts'

/**
 * A node and a pod on it, both made to try something, as open descriptors of their namespaces: whoever asked closes both. They have no
 * name and touch nothing that is there, so that they end with these descriptors, even where the process is killed.
 */
export interface ScratchNode {
  readonly node: number
  readonly pod: number
}

const ON_NODE = { onNode: 'pod0', index: 41 }

/** Makes them, with those of `networks` whose family is switched on. Called with the thread at `home`. */
export function openScratchNode(networks: readonly ScratchNetwork[], home: number): ScratchNode {
  const node = openScratchNetns(home)
  try {
    const pod = openScratchNetns(home)
    try {
      insideNetns(node, home, () =>
        joinPod(
          pod,
          node,
          ON_NODE,
          networks.filter((network) => familyOf(network.pod) === 4 || hasIpv6()),
        ),
      )
      return { node, pod }
    } catch (error) {
      libc().close(pod)
      throw error
    }
  } catch (error) {
    libc().close(node)
    throw error
  }
}

/** A kernel can have IPv6 and give it to no interface. */
function hasIpv6(): boolean {
  try {
    return readFileSync('/proc/sys/net/ipv6/conf/default/disable_ipv6', 'utf8').trim() === '0'
  } catch {
    return false
  }
}
