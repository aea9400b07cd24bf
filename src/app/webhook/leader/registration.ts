import {
  caBundleApply,
  projectRegistration,
  type RegisteredEntries,
  type RegistrationKind,
} from '../../../core/registration/ca-bundle.ts'
import { FIELD_MANAGER } from '../../../core/vocabulary/names.ts'
import type { Reason } from '../../../core/vocabulary/reasons.ts'
import { hasStatus } from '../../../edge/cluster/api-error.ts'
import { createClient } from '../../../edge/cluster/client.ts'
import type { ServingCertificate } from '../../../edge/tls/certificate.ts'
import { isTrusted } from '../../../edge/tls/trust.ts'
import { Followed } from './followed.ts'
import type { LeaderParts } from './parts.ts'
import { turns } from './turns.ts'
import { write } from './writes.ts'

/** One object that tells the API server of this webhook. */
export interface Registered {
  readonly kind: RegistrationKind
  readonly plural: string
  readonly name: string
  /** without it no pod is decided */
  readonly needed: boolean
}

/**
 * How the API server is told of this webhook. Every replica looks at it; the one that leads keeps `caBundle` up to date, and
 * nothing else of it.
 */
export class Registration {
  readonly #parts: LeaderParts
  readonly #registered: Registered
  readonly #certificate: () => ServingCertificate | undefined
  readonly #followed: Followed<RegisteredEntries>
  /** the CAs that the last turn saw */
  #seen = ''

  constructor(parts: LeaderParts, registered: Registered, certificate: () => ServingCertificate | undefined) {
    this.#parts = parts
    this.#registered = registered
    this.#certificate = certificate
    this.#followed = new Followed({
      connection: parts.connection,
      limits: parts.limits.watch,
      target: { resource: this.#resource },
      selection: { fieldSelector: `metadata.name=${registered.name}` },
      project: projectRegistration,
      report: parts.reportWatch(registered.kind),
    })
  }

  /** Follows the object until `signal` aborts; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#followed.run(signal)
  }

  /** What keeps the API server from asking this webhook, as far as one can see from here. */
  alarms(): readonly Reason[] {
    const certificate = this.#certificate()
    if (!this.#followed.isFresh || certificate === undefined) return []
    const [found] = this.#followed.values
    const configuration = this.#title
    if (found === undefined) return this.#registered.needed ? [{ code: 'webhook_not_registered', args: {} }] : []
    const astray = found.entries
      .filter(({ caBundle }) => !isTrusted(certificate.cert, caBundle))
      .map(({ name }) => name)
    if (astray.length === 0) return []
    return [{ code: 'ca_bundle_untrusted', args: { configuration, entries: astray.join(', ') } }]
  }

  /** Keeps `caBundle` until `signal` aborts; never throws. */
  async keep(signal: AbortSignal): Promise<void> {
    const { limits, clock, log } = this.#parts
    await turns(
      {
        limits: limits.turns,
        clock,
        changed: () => this.#followed.takeChanged() || this.#seen !== this.#ca,
        turn: async () => await this.#turn(signal),
        report: (err) => log.error({ err }, 'a turn of the leader about the registration failed'),
      },
      signal,
    )
    this.#tell([])
  }

  async #turn(signal: AbortSignal): Promise<boolean> {
    const { connection, log, metrics } = this.#parts
    const ca = this.#ca
    this.#seen = ca
    const [found] = this.#followed.values
    // where somebody else makes the certificate, they say whom to trust
    if (ca === '') return true
    if (!this.#followed.isFresh) return false
    if (found === undefined) return true
    const apply = caBundleApply(this.#registered, found, Buffer.from(ca, 'utf8').toString('base64'))
    if (apply === undefined) {
      this.#tell([])
      return true
    }
    const client = createClient(connection, { signal })
    const target = { resource: this.#resource, name: this.#registered.name }
    const call = async (): Promise<void> => {
      await client.apply(target, apply, { fieldManager: FIELD_MANAGER, force: false }).catch((error: unknown) => {
        if (hasStatus(error, 409)) this.#tellOwner(error)
        throw error
      })
      this.#tell([])
    }
    const context = { log, metrics, signal, about: { configuration: this.#title } }
    const result = await write('ca_bundle', call, context)
    if (result === 'done') log.info(context.about, 'the caBundle was brought up to date')
    return result === 'done'
  }

  get #title(): string {
    return `${this.#registered.kind} ${this.#registered.name}`
  }

  get #ca(): string {
    return this.#certificate()?.ca ?? ''
  }

  get #resource(): { readonly group: string; readonly version: string; readonly plural: string } {
    return { group: 'admissionregistration.k8s.io', version: 'v1', plural: this.#registered.plural }
  }

  #tell(reasons: readonly Reason[]): void {
    this.#parts.alarm(this.#title, reasons)
  }

  /** The API server's word says who; a configuration that was made anew meanwhile is looked at in the next turn. */
  #tellOwner(error: unknown): void {
    const problem = error instanceof Error ? error.message : ''
    this.#tell([{ code: 'ca_bundle_owned_by_another', args: { configuration: this.#title, problem } }])
  }
}
