const MIB = 1024 * 1024

/** Every bound of the server, in one place. */
export interface Limits {
  /**
   * The API server takes objects of up to 3 MiB; a review of an UPDATE carries two of them, and the rest (user, options,
   * kinds) is small: 3 + 3 + 1. Creations, which are all that is asked for, need half of it.
   */
  readonly bodyBytes: number
  /** requests that are read or answered at the same time; more are told to come again */
  readonly inFlight: number
  /**
   * bytes of their bodies together. One core reads and answers some 5 MB of small reviews in a second (bench/admission), so
   * that the last of them waits about the shortest time-out that a webhook should have (2 s); it also bounds the memory
   */
  readonly inFlightBytes: number
  /** the API server keeps 25 idle connections for each of its hosts and opens more in a burst */
  readonly connections: number
  /** longer than the 90 s after which the API server gives an idle connection up: only the client ever closes one in use */
  readonly keepAliveMs: number
  /** for a whole request to arrive; webhooks are given at most 30 s in all */
  readonly requestMs: number
  /** while draining, requests are still taken so that endpoints and clients can turn away */
  readonly drainMs: number
  /** for requests that are still being answered when draining ends */
  readonly closeMs: number
}

export const DEFAULT_LIMITS: Limits = {
  bodyBytes: 7 * MIB,
  inFlight: 256,
  inFlightBytes: 10 * MIB,
  connections: 1024,
  keepAliveMs: 95_000,
  requestMs: 10_000,
  drainMs: 5_000,
  closeMs: 10_000,
}
