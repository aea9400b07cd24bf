/** Settings that cannot be used: thrown once, at the boundary, before anything of them is taken. */
export class SettingsError extends Error {
  /** where it stands, e.g. `values.global.proxy.statusPort` */
  readonly field: string

  constructor(field: string, problem: string, options?: ErrorOptions) {
    super(`${field}: ${problem}`, options)
    this.name = 'SettingsError'
    this.field = field
  }
}
