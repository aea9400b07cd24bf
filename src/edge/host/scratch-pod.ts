import { familyOf } from './addresses.ts'
import { libc } from './libc.ts'
import { insideNetns } from './namespaces.ts'
import { joinPod, openScratchNetns, removeLink, type ScratchNetwork } from './scratch-network.ts'
import { accept, type Credentials, dialError, remoteEnd, reset, startDial, startListening, waitFor } from './sockets.ts'

export interface Knock {
  readonly networks: readonly ScratchNetwork[]
  /** who knocks, from the node */
  readonly users: readonly Credentials[]
  readonly patienceMs: number
}

/** Whom the pod saw, for each network and user: an address; null: nobody came, or the answer did not come back. */
export type Knocked = readonly (readonly (string | null)[])[]

const ON_NODE = 'sluice-probe'
const PORT = 61_001
const TRIES = 5
const ROOT = { uid: 0, gid: 0 }

/**
 * Makes a pod's network on the node that `host` is, knocks at it as each user, and takes everything away again, also where it
 * fails. Called with the thread at `home`; the pod's namespace ends with the call, even where the process does.
 */
export function knockAtScratchPod({ networks, users, patienceMs }: Knock, host: number, home: number): Knocked {
  const pod = openScratchNetns(home)
  try {
    return insideNetns(host, home, () => {
      // what a process that was killed in here left behind ends with its namespace, but maybe a moment late
      removeLink(ON_NODE)
      try {
        joinPod(pod, host, { onNode: ON_NODE }, networks)
        return networks.map((network) => users.map((user) => knockAgain(network, user, pod, host, patienceMs)))
      } finally {
        removeLink(ON_NODE)
      }
    })
  } finally {
    libc().close(pod)
  }
}

/** What is sent in the first moments of a network may be lost, and TCP itself asks again only after a second. */
function knockAgain(network: ScratchNetwork, user: Credentials, pod: number, host: number, patienceMs: number) {
  for (let tries = 0; tries < TRIES; tries++) {
    const seen = knock(network, user, pod, host, patienceMs / TRIES)
    if (seen !== null) return seen
  }
  return null
}

function knock(network: ScratchNetwork, user: Credentials, pod: number, host: number, patienceMs: number) {
  const family = familyOf(network.pod)
  const listener = insideNetns(pod, host, () => startListening(family, 'tcp', PORT, ROOT))
  const dialled = startDial({ address: network.pod, port: PORT }, user, 1)
  try {
    const [isDone] = waitFor([{ fd: dialled, dials: true }], patienceMs)
    if (isDone !== true || dialError(dialled) !== null) return null
    const visitor = accept(listener)
    if (visitor === null) return null
    const { address } = remoteEnd(visitor, family)
    reset(visitor)
    return address
  } finally {
    reset(dialled)
    libc().close(listener)
  }
}
