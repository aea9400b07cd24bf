import { familyOf } from './addresses.ts'
import { libc } from './libc.ts'
import { insideNetns } from './namespaces.ts'
import { joinPod, openScratchNetns, removeLink, type ScratchNetwork } from './scratch-network.ts'
import { accept, type Credentials, dialError, remoteEnd, reset, startDial, startListening } from './sockets.ts'
import type { Steps } from './steps.ts'

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
 * fails. Called with the thread at `home`; the pod's namespace ends with the job, even where the process does.
 */
export function* knockAtScratchPod({ networks, users, patienceMs }: Knock, host: number, home: number): Steps<Knocked> {
  const onHost = <T>(work: () => T): T => insideNetns(host, home, work)
  const pod = openScratchNetns(home)
  try {
    // what a process that was killed in here left behind ends with its namespace, but maybe a moment late
    onHost(() => removeLink(ON_NODE))
    try {
      onHost(() => joinPod(pod, host, { onNode: ON_NODE }, networks))
      const knocked: (string | null)[][] = []
      for (const network of networks) {
        const seen: (string | null)[] = []
        for (const user of users) seen.push(yield* knockAgain({ network, user, pod, host, home, patienceMs }))
        knocked.push(seen)
      }
      return knocked
    } finally {
      onHost(() => removeLink(ON_NODE))
    }
  } finally {
    libc().close(pod)
  }
}

interface OneKnock {
  readonly network: ScratchNetwork
  readonly user: Credentials
  readonly pod: number
  readonly host: number
  readonly home: number
  readonly patienceMs: number
}

/** What is sent in the first moments of a network may be lost, and TCP itself asks again only after a second. */
function* knockAgain(one: OneKnock): Steps<string | null> {
  for (let tries = 0; tries < TRIES; tries++) {
    const seen = yield* knock(one)
    if (seen !== null) return seen
  }
  return null
}

function* knock({ network, user, pod, host, home, patienceMs }: OneKnock): Steps<string | null> {
  const family = familyOf(network.pod)
  const listener = insideNetns(pod, home, () => startListening(family, 'tcp', PORT, ROOT))
  try {
    const dialled = insideNetns(host, home, () => startDial({ address: network.pod, port: PORT }, user, 1))
    try {
      const [isDone] = yield { sockets: [{ fd: dialled, dials: true }], ms: patienceMs / TRIES }
      if (isDone !== true || dialError(dialled) !== null) return null
      const visitor = accept(listener)
      if (visitor === null) return null
      const { address } = remoteEnd(visitor, family)
      reset(visitor)
      return address
    } finally {
      reset(dialled)
    }
  } finally {
    libc().close(listener)
  }
}
