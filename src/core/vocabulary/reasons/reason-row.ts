/**
 * What a reason means for whoever meets it:
 * `meshed` a mode was chosen · `skip` the pod is not for the mesh, and that is fine · `reject` one mode is ruled out for
 * this pod · `refuse` the request is denied · `warn` done, but a person should know · `alarm` Sluice itself needs a person.
 */
export type ReasonLevel = 'meshed' | 'skip' | 'reject' | 'refuse' | 'warn' | 'alarm'

/** One row of the closed table: the only place where the sentence for a fact is written. */
export interface ReasonRow {
  readonly level: ReasonLevel
  /** one sentence without a full stop, lower case first; the arguments are typed by the row */
  readonly says: (args: never) => string
  /** what the reader can do about it, one sentence; null where nothing needs doing */
  readonly fix: string | null
}
