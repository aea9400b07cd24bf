/** A request that gets no AdmissionReview as answer: what to tell the API server, and whether it may try again. */
interface FailureRow {
  readonly status: number
  /** the API server tries again after a second, within the webhook's time-out */
  readonly again: boolean
}

/**
 * Closed set of the causes; each is a label value of `sluice_admission_failures_total`. Where the fault is Sluice's own
 * (status 5xx), no verdict is made up: the API server applies the `failurePolicy` of the webhook configuration, and the
 * guard policy refuses what had to be meshed (design: promise 4, "The boundary").
 */
export const FAILURES = {
  media_type: { status: 415, again: false },
  too_large: { status: 413, again: false },
  malformed: { status: 400, again: false },
  not_found: { status: 404, again: false },
  method: { status: 405, again: false },
  overloaded: { status: 429, again: true },
  not_synced: { status: 503, again: true },
  configuration: { status: 503, again: true },
  namespace_unknown: { status: 503, again: true },
  internal: { status: 500, again: false },
} as const satisfies Record<string, FailureRow>

export type FailureCause = keyof typeof FAILURES

/** Why a request failed; `message` is one sentence for whoever reads the API server's log. */
export class Failure extends Error {
  readonly code: FailureCause

  constructor(code: FailureCause, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Failure'
    this.code = code
  }
}
