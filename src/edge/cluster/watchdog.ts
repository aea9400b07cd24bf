/**
 * Cuts what takes too long. Its signal aborts when the caller's does, or when nobody fed it for as long as the last
 * feeding allowed; call `end` in any case.
 */
export class Watchdog {
  readonly #controller = new AbortController()
  readonly #outer: AbortSignal
  readonly #abort: () => void
  #timer: NodeJS.Timeout | undefined
  #bit: string | undefined

  constructor(outer: AbortSignal) {
    this.#outer = outer
    this.#abort = () => this.#controller.abort(outer.reason)
    if (outer.aborted) this.#abort()
    else outer.addEventListener('abort', this.#abort, { once: true })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** what was not done in time; undefined while all was */
  get bit(): string | undefined {
    return this.#bit
  }

  /** From now on `ms` are allowed; `problem` says what it means when they pass. */
  feed(ms: number, problem: string): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#bit = problem
      this.#controller.abort()
    }, ms)
  }

  /** Aborts now. */
  cut(): void {
    this.#controller.abort()
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#outer.removeEventListener('abort', this.#abort)
  }
}
