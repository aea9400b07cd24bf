import { Failure } from './failure.ts'
import type { Limits } from './limits.ts'

/** The requests that are being read or answered now. */
export class Load {
  readonly #limits: Limits
  #requests = 0
  #bytes = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  get requests(): number {
    return this.#requests
  }

  /**
   * Takes a request in before its body is read; `bytes` is the announced length, undefined where none is. Gives what to call
   * once when it is over. Throws `Failure` at once where it does not fit: a clear answer before the caller's time-out.
   */
  enter(bytes: number | undefined): () => void {
    const { bodyBytes, inFlight, inFlightBytes } = this.#limits
    if (bytes !== undefined && bytes > bodyBytes) throw tooLarge(bodyBytes)
    const weight = bytes ?? bodyBytes
    if (this.#requests >= inFlight)
      throw new Failure('overloaded', `${inFlight} requests are being answered; try again in a second`)
    if (this.#requests > 0 && this.#bytes + weight > inFlightBytes)
      throw new Failure('overloaded', `requests of ${this.#bytes} bytes are being answered; try again in a second`)
    this.#requests++
    this.#bytes += weight
    return () => {
      this.#requests--
      this.#bytes -= weight
    }
  }
}

export function tooLarge(bodyBytes: number): Failure {
  return new Failure('too_large', `the body is larger than the limit of ${bodyBytes} bytes`)
}
