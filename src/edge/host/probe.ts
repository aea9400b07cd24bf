import { type Endpoint, type Family, familyOf } from './addresses.ts'
import { answeringPort } from './conntrack.ts'
import { SystemError } from './libc.ts'
import { insideNetns } from './namespaces.ts'
import { hasConnection, type Over } from './socket-table.ts'
import type { Steps } from './steps.ts'
import { isListening, survey, type Survey } from './survey.ts'
import {
  accept,
  type Credentials,
  dialError,
  localEnd,
  originalDestination,
  receiveFrom,
  remoteEnd,
  reset,
  type Sender,
  sendEmpty,
  startDial,
  startListening,
  takeForeign,
  waitFor,
  type Waited,
} from './sockets.ts'

/** One attempt to reach something, made to see where it ends up. */
export interface Probe {
  readonly over: Over
  /** from the namespace under test itself, or from the one that looks at it */
  readonly from: 'inside' | 'outside'
  readonly to: Endpoint
  /** whose socket it is: owner matches see it */
  readonly user: Sender
  /** the port inside that redirection leads to */
  readonly leadsTo: number
}

export interface ProbePlan {
  readonly probes: readonly Probe[]
  /** who owns the ports that probes lead to: where nobody listens, we do for a moment, as this user */
  readonly owner: Credentials
  /** whether connections may come with their destination unchanged, as by TPROXY */
  readonly transparent: boolean
  /** how long to wait for what does not answer */
  readonly patienceMs: number
  /** the namespace that looks at it, by an open descriptor; null: the one that this process lives in */
  readonly outside: number | null
}

/** Where an attempt ended up. */
export type Saw =
  /** our own listener at this port got it; `wanted` is where it was sent to (not known for a datagram) */
  | { readonly end: 'caught'; readonly port: number; readonly wanted: Endpoint | null }
  /** a socket inside with this port is, or just was, the other end; `listener`: somebody listens there in the usual way */
  | { readonly end: 'accepted'; readonly port: number; readonly listener: boolean }
  /** the kernel gives the flow to this port, which may be the one it was sent to */
  | { readonly end: 'tracked'; readonly port: number }
  /** it was connected, and the other end is not inside */
  | { readonly end: 'answered' }
  | { readonly end: 'refused' }
  /** it left, and a router or neighbour complained */
  | { readonly end: 'left'; readonly code: string }
  | { readonly end: 'silence' }
  /** it could not be sent, or what became of it could not be asked */
  | { readonly end: 'unknown'; readonly code: string }

export interface Observation {
  readonly saw: Saw
  /** somebody listened at `leadsTo` when the attempt was made */
  readonly listening: boolean
}

interface Attempt {
  readonly probe: Probe
  readonly family: Family
  readonly fd: number
  /** our end */
  readonly own: Endpoint
}

interface Catcher {
  readonly over: Over
  readonly family: Family
  readonly port: number
  readonly fd: number
}

/** Conntrack zones that rules may put a datagram into, after the usual one. */
const DNS_ZONES = [0, 1, 2] as const
const GONE: ReadonlySet<string> = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'EACCES', 'EPERM'])

/**
 * Makes all attempts of `plan` at once and tells for each where it ended up. Called with the thread at `home`; `netns` is
 * the namespace under test. Connections are reset before a byte is sent. Its patience is spent between steps.
 */
export function* probe(plan: ProbePlan, netns: number, home: number): Steps<readonly Observation[]> {
  const open: number[] = []
  const keep = (fd: number): number => {
    open.push(fd)
    return fd
  }
  const saw = new Map<Probe, Saw>()
  try {
    const here = insideNetns(netns, home, survey)
    const catchers = insideNetns(netns, home, () => openCatchers(plan, here, keep))
    const start = (from: Probe['from']): readonly Attempt[] =>
      plan.probes.filter((probe) => probe.from === from).flatMap((probe) => startOne(probe, saw, keep))
    const outside = insideNetns(plan.outside ?? home, home, () => start('outside'))
    const attempts = [...insideNetns(netns, home, () => start('inside')), ...outside]
    const pending = (): readonly Attempt[] => attempts.filter(({ probe }) => !saw.has(probe))
    const look = (ready: readonly boolean[]): void => {
      const rest = pending()
      for (const catcher of catchers) receive(catcher, attempts, saw)
      noteEnded(rest, ready, here, saw)
    }
    // What stays inside has arrived by now.
    insideNetns(netns, home, () => {
      look(waitFor(socketsOf(pending(), catchers), 0))
      noteTracked(pending(), saw)
    })
    const deadline = performance.now() + plan.patienceMs
    for (let ms = plan.patienceMs; pending().length > 0 && ms > 0; ms = deadline - performance.now()) {
      const ready = yield { sockets: socketsOf(pending(), catchers), ms }
      if (ready.includes(true)) insideNetns(netns, home, () => look(ready))
    }
    return plan.probes.map((probe) => ({
      saw: saw.get(probe) ?? { end: 'silence' },
      listening: isListening(here, probe.over, familyOf(probe.to.address), probe.leadsTo),
    }))
  } finally {
    for (const fd of open) reset(fd)
  }
}

/** Listens wherever a probe may lead to and nobody does. */
function openCatchers(plan: ProbePlan, here: Survey, keep: (fd: number) => number): readonly Catcher[] {
  const wanted = new Map(
    plan.probes.map(({ over, to, leadsTo }) => {
      const family = familyOf(to.address)
      return [`${over} ${family} ${leadsTo}`, { over, family, port: leadsTo }] as const
    }),
  )
  return [...wanted.values()].flatMap(({ over, family, port }) => {
    if (isListening(here, over, family, port)) return []
    try {
      const fd = keep(startListening(family, over, port, plan.owner))
      // else not: the kernel hands such a listener's connection the packets of another one from the same port, though it
      // gave that one a port of its own
      if (plan.transparent) takeForeign(fd, family)
      return [{ over, family, port, fd }]
    } catch (error) {
      // taken a moment ago, or a family that this namespace does not have: the attempts will tell
      if (error instanceof SystemError) return []
      throw error
    }
  })
}

function startOne(probe: Probe, saw: Map<Probe, Saw>, keep: (fd: number) => number): readonly Attempt[] {
  try {
    // between a node and its pod some networks (eBPF) count as a router; an address that the node does not know goes no farther
    const reach = probe.from === 'inside' ? 1 : 2
    const fd = keep(
      probe.over === 'tcp' ? startDial(probe.to, probe.user, reach) : sendEmpty(probe.to, probe.user, reach),
    )
    const family = familyOf(probe.to.address)
    return [{ probe, family, fd, own: localEnd(fd, family) }]
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    if (error.code === 'ECONNREFUSED') saw.set(probe, { end: 'refused' })
    // what this process may not do is not told by the code alone
    else saw.set(probe, { end: 'unknown', code: error.code === 'EPERM' ? error.message : error.code })
    return []
  }
}

/** All that can have something to tell, attempts first. */
function socketsOf(attempts: readonly Attempt[], catchers: readonly Catcher[]): readonly Waited[] {
  const dials = attempts.map(({ fd, probe }) => ({ fd, dials: probe.over === 'tcp' }))
  return [...dials, ...catchers.map(({ fd }) => ({ fd, dials: false }))]
}

/** Notes how those of `attempts` ended that are `ready`, unless a catcher had them. */
function noteEnded(attempts: readonly Attempt[], ready: readonly boolean[], here: Survey, saw: Map<Probe, Saw>): void {
  attempts.forEach((attempt, i) => {
    if (ready[i] !== true || saw.has(attempt.probe)) return
    const error = dialError(attempt.fd)
    // at once: a proxy that finds nobody behind it hangs up, and its socket is gone; a connection that was reset was there
    const isConnected = error === null || error === 'ECONNRESET'
    saw.set(attempt.probe, isConnected ? acceptedBy(attempt, here) : endedBy(error))
  })
}

/** What is left alone by the rules, and a datagram that somebody else receives, tell no more by waiting, if the kernel tracks them. */
function noteTracked(attempts: readonly Attempt[], saw: Map<Probe, Saw>): void {
  for (const attempt of attempts) {
    const { over, to, from } = attempt.probe
    const port = trackedPort(attempt)
    if (over === 'udp' ? port !== null : port === to.port && from === 'inside')
      saw.set(attempt.probe, { end: 'tracked', port: port ?? 0 })
  }
}

function endedBy(code: string): Saw {
  if (code === 'ECONNREFUSED') return { end: 'refused' }
  return GONE.has(code) ? { end: 'left', code } : { end: 'unknown', code }
}

/** Takes what came to `catcher`: ours is noted, an application's own is let go. */
function receive(catcher: Catcher, attempts: readonly Attempt[], saw: Map<Probe, Saw>): void {
  const ours = attempts.filter(({ probe, family }) => probe.over === catcher.over && family === catcher.family)
  const of = (from: Endpoint): Probe | undefined => ours.find(({ own }) => isSame(own, from))?.probe
  if (catcher.over === 'udp') {
    for (
      let from = receiveFrom(catcher.fd, catcher.family);
      from !== null;
      from = receiveFrom(catcher.fd, catcher.family)
    ) {
      const probe = of(from)
      if (probe !== undefined) saw.set(probe, { end: 'caught', port: catcher.port, wanted: null })
    }
    return
  }
  for (let fd = accept(catcher.fd); fd !== null; fd = accept(catcher.fd)) {
    const from = remoteEnd(fd, catcher.family)
    // a listener that is transparent gets connections with their destination unchanged
    const wanted = originalDestination(fd, catcher.family) ?? localEnd(fd, catcher.family)
    const probe = of(from) ?? renamed(ours, { from, wanted, port: catcher.port, saw })
    if (probe !== undefined) saw.set(probe, { end: 'caught', port: catcher.port, wanted })
    reset(fd)
  }
}

/**
 * Whose connection it is that has come from a port of nobody: the kernel gives it another where one from the same port of the
 * same address was led here before, be it long closed.
 */
function renamed(
  ours: readonly Attempt[],
  came: { readonly from: Endpoint; readonly wanted: Endpoint; readonly port: number; readonly saw: Map<Probe, Saw> },
): Probe | undefined {
  return ours.find(
    (attempt) =>
      !came.saw.has(attempt.probe) &&
      isSame(attempt.probe.to, came.wanted) &&
      attempt.own.address === came.from.address &&
      trackedPort(attempt) === came.port,
  )?.probe
}

function isSame(one: Endpoint, other: Endpoint): boolean {
  return one.port === other.port && one.address === other.address
}

function acceptedBy(attempt: Attempt, here: Survey): Saw {
  const { probe, own, family } = attempt
  const addresses = here.addresses.map(({ address }) => address).filter((address) => familyOf(address) === family)
  const ends = [...addresses.map((address) => ({ address, port: probe.leadsTo })), probe.to]
  const port = ends.find((local) => hasConnection(local, own))?.port ?? trackedPort(attempt)
  if (port === null) return { end: 'answered' }
  return { end: 'accepted', port, listener: isListening(here, 'tcp', family, port) }
}

/** The port inside that the kernel gives the flow to; null where it does not track it, or cannot be asked. */
function trackedPort({ probe, own }: Attempt): number | null {
  const zones = probe.over === 'tcp' ? [0] : DNS_ZONES
  try {
    const ports = zones.map((zone) => answeringPort({ protocol: probe.over, from: own, to: probe.to, zone }))
    return ports.find((port) => port !== null) ?? null
  } catch (error) {
    if (error instanceof SystemError) return null
    throw error
  }
}
