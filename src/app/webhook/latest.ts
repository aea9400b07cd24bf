import { SettingsError } from '../../core/settings/settings-error.ts'

/**
 * The newest good version of a configuration. A version that cannot be used leaves the one before in place and says why,
 * so that a slip of the pen never stops or loosens what worked.
 */
export class Latest<T> {
  #value: T | undefined
  #problem: string | undefined

  constructor(value?: T) {
    this.#value = value
  }

  get value(): T | undefined {
    return this.#value
  }

  /** why the newest version is not the one in use; undefined where it is */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Takes what `read` gives; where it throws `SettingsError`, the problem is kept instead. */
  take(read: () => T): void {
    try {
      this.#value = read()
      this.#problem = undefined
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error
      this.#problem = error.message
    }
  }
}
