import type { Reason } from '../vocabulary/reasons.ts'

/**
 * What measuring found, and what it proves. A pod is called redirected when probes inside its namespace showed it for every
 * class of traffic; a listing of rules can only take from that, never add to it; what could not be measured is unknown,
 * which is not a pass.
 */
export const JUDGEMENTS = ['redirected', 'partial', 'bypassing', 'unknown'] as const
export type Judgement = (typeof JUDGEMENTS)[number]

/** The classes that are measured apart. `proxy` is the proxy's own outbound traffic, which must be left alone. */
export const TRAFFIC_CLASSES = ['outbound', 'inbound', 'dns-tcp', 'dns-udp', 'proxy'] as const
export type TrafficClass = (typeof TRAFFIC_CLASSES)[number]

/** Where an attempt ended up. */
export type Seen =
  /** a listener of the measuring itself got it, at this port; `wanted` is where it was sent to, if that can be read */
  | {
      readonly end: 'caught'
      readonly port: number
      readonly wanted: { readonly address: string; readonly port: number } | null
    }
  /** a socket inside with this port took it; `listener`: somebody listens on that port in the usual way */
  | { readonly end: 'accepted'; readonly port: number; readonly listener: boolean }
  /** the kernel gives the flow to this port, which may be the one it was sent to */
  | { readonly end: 'tracked'; readonly port: number }
  /** it was connected to somebody who is not inside */
  | { readonly end: 'answered' }
  | { readonly end: 'refused' }
  /** it left, and a router or neighbour complained */
  | { readonly end: 'left'; readonly code: string }
  | { readonly end: 'silence' }
  /** it could not be sent, or nobody could say what became of it */
  | { readonly end: 'unknown'; readonly code: string }

/** One attempt: what it stands for, and where it ended up. */
export interface Sighting {
  readonly class: TrafficClass
  readonly family: 4 | 6
  readonly to: { readonly address: string; readonly port: number }
  /** the proxy's port for this class */
  readonly leadsTo: number
  /** the mode keeps destinations as they are (TPROXY), so a connection shows no port of the proxy */
  readonly transparent: boolean
  readonly seen: Seen
  /** somebody listened on `leadsTo` */
  readonly listening: boolean
}

export interface Evidence {
  readonly sightings: readonly Sighting[]
  /** whether the proxy should be running now; before it starts, nobody listening is as it should be */
  readonly proxyExpected: boolean
  /** rules that a listing does not show, in words; null: the rules were not listed */
  readonly missingRules: readonly string[] | null
}

/** What one sighting proves; `holds` is null where it proves nothing. */
export interface Measured {
  readonly class: TrafficClass
  readonly family: 4 | 6
  readonly address: string
  readonly holds: boolean | null
  readonly reason: Reason
}

export interface Verdict {
  readonly is: Judgement
  readonly measured: readonly Measured[]
  /** what speaks against `redirected`, beside what `measured` says */
  readonly also: readonly Reason[]
}

/** Judges all evidence about one pod. Nothing measured at all is unknown. */
export function judge({ sightings, proxyExpected, missingRules }: Evidence): Verdict {
  const measured = sightings.map(measure)
  const deaf = sightings.filter(({ class: one, listening }) => proxyExpected && one !== 'proxy' && !listening)
  const also: readonly Reason[] = [
    ...(sightings.length === 0 ? [{ code: 'nothing_promised', args: {} } as const] : []),
    ...deaf.map((one): Reason => ({ code: 'proxy_not_listening', args: { what: nameOf(one), port: one.leadsTo } })),
    ...(missingRules === null || missingRules.length === 0
      ? []
      : [{ code: 'rules_missing', args: { rules: missingRules.join('; ') } } as const]),
  ]
  return { is: judgement(measured, also), measured, also }
}

function judgement(measured: readonly Measured[], also: readonly Reason[]): Judgement {
  const redirected = measured.some((one) => one.class !== 'proxy' && one.holds === true)
  const bypassed = measured.some((one) => one.class !== 'proxy' && one.holds === false)
  if (bypassed && !redirected) return 'bypassing'
  if (bypassed || also.length > 0 || measured.some(({ holds }) => holds === false))
    return redirected ? 'partial' : 'unknown'
  return redirected && measured.every(({ holds }) => holds === true) ? 'redirected' : 'unknown'
}

function measure(sighting: Sighting): Measured {
  const { class: one, family, to, leadsTo, seen } = sighting
  const what = nameOf(sighting)
  const base = { class: one, family, address: to.address }
  const arrived = arrives(sighting)
  const instead = inWords(seen, to.port)
  if (arrived === null)
    return { ...base, holds: null, reason: { code: 'redirection_unknown', args: { what, why: instead } } }
  if (one === 'proxy')
    return arrived
      ? { ...base, holds: false, reason: { code: 'proxy_traffic_loops', args: { what, instead } } }
      : { ...base, holds: true, reason: { code: 'proxy_traffic_passes', args: { what } } }
  return arrived
    ? { ...base, holds: true, reason: { code: 'redirection_seen', args: { what, port: leadsTo } } }
    : { ...base, holds: false, reason: { code: 'redirection_bypassed', args: { what, port: leadsTo, instead } } }
}

/** Did the attempt arrive at the proxy's port? Null where what was seen does not tell. */
function arrives({ class: one, to, leadsTo, transparent, seen }: Sighting): boolean | null {
  switch (seen.end) {
    case 'caught':
      if (seen.port !== leadsTo) return false
      return seen.wanted === null || (seen.wanted.address === to.address && seen.wanted.port === to.port)
    case 'accepted':
      if (seen.port === leadsTo) return true
      // TPROXY keeps the port: whoever takes a connection to a port that nobody listens on listens for all of them; where
      // somebody does, the two look the same
      return transparent && seen.port === to.port ? (seen.listener ? null : true) : false
    case 'tracked':
      return seen.port === leadsTo
    case 'answered':
      return one === 'inbound' ? null : false
    case 'refused':
      return false
    case 'left':
    case 'silence':
      // what leads to a listener inside arrives at once; from outside, it may not have found the pod, or a policy dropped it
      return one === 'inbound' ? null : false
    case 'unknown':
      return null
  }
}

function inWords(seen: Seen, sentTo: number): string {
  switch (seen.end) {
    case 'caught':
      return `it came to port ${seen.port}${seen.wanted === null ? '' : ` on its way to ${seen.wanted.address} port ${seen.wanted.port}`}`
    case 'accepted':
      return `port ${seen.port} of the pod took it`
    case 'tracked':
      return seen.port === sentTo ? 'no rule translates it' : `rules lead it to port ${seen.port}`
    case 'answered':
      return 'somebody outside the pod answered it'
    case 'refused':
      return 'it was refused'
    case 'left':
      return `it left the pod (${seen.code})`
    case 'silence':
      return 'nothing answered'
    case 'unknown':
      return seen.code
  }
}

const CLASS_NAMES: Readonly<Record<TrafficClass, string>> = {
  outbound: 'outbound',
  inbound: 'inbound',
  'dns-tcp': 'DNS over TCP',
  'dns-udp': 'DNS over UDP',
  proxy: "the proxy's own",
}

function nameOf({ class: one, family, to }: Pick<Sighting, 'class' | 'family' | 'to'>): string {
  return `${CLASS_NAMES[one]} IPv${family} traffic (${to.address})`
}
