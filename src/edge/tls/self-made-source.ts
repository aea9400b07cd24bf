import { decodeAuthority, encodeAuthority, planAuthority, type Authority, type AuthoritySettings } from './authority.ts'
import {
  CertificateError,
  readCertificate,
  servingCertificate,
  type KeyPair,
  type ServingCertificate,
} from './certificate.ts'
import { issueCa, issueLeaf } from './issue.ts'
import { createSource, type CertificateSource } from './source.ts'
import type { CertificateStore } from './store.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export interface SelfMadeOptions extends Partial<Omit<AuthoritySettings, 'names'>> {
  readonly store: CertificateStore
  /** DNS names and IP addresses that clients call the server by */
  readonly names: readonly string[]
  /** begin of the common name of each CA */
  readonly caName: string
  readonly now: () => Date
  readonly report: (error: unknown) => void
  /** told why something was made anew */
  readonly announce: (what: 'CA' | 'certificate', why: string) => void
  readonly everyMs?: number
}

/** Writers that keep losing the race would otherwise go round for ever. */
const ATTEMPTS = 5

/**
 * A source that makes its own CA and certificate and keeps them in a store, which several servers may share. Each look
 * does what the clock asks for; a minute is enough, as renewal begins a third of a life before the end.
 */
export function selfMadeSource(options: SelfMadeOptions): CertificateSource {
  const settings: AuthoritySettings = {
    names: options.names,
    caLifeMs: options.caLifeMs ?? 365 * DAY_MS,
    leafLifeMs: options.leafLifeMs ?? 30 * DAY_MS,
    skewMs: options.skewMs ?? HOUR_MS,
    overlapMs: options.overlapMs ?? HOUR_MS,
  }
  // a store that was emptied by mistake is filled with what is served, so that clients go on trusting it
  const remembered: Memory = { authority: undefined }
  return createSource({
    load: () => load(options, settings, remembered),
    everyMs: options.everyMs ?? 60_000,
    report: options.report,
  })
}

interface Memory {
  authority: Authority | undefined
}

async function load(
  options: SelfMadeOptions,
  settings: AuthoritySettings,
  remembered: Memory,
): Promise<ServingCertificate> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const stored = await options.store.read()
    const kept = stored === undefined ? undefined : decodeAuthority(stored.files)
    if (stored !== undefined && kept === undefined && Object.keys(stored.files).length > 0)
      options.report(new CertificateError('the certificates that are kept cannot be used: they are replaced'))
    const known = kept ?? remembered.authority ?? { cas: [], leaf: undefined }
    const { authority, changed } = await renewed(known, options, settings)
    const isKept = kept !== undefined && !changed
    if (isKept || (await options.store.write(encodeAuthority(authority), stored?.version))) {
      remembered.authority = authority
      return serving(authority)
    }
  }
  throw new CertificateError(`another server changed the certificates ${ATTEMPTS} times in a row`)
}

async function renewed(
  authority: Authority,
  { caName, now, announce }: SelfMadeOptions,
  settings: AuthoritySettings,
): Promise<{ readonly authority: Authority & { readonly leaf: KeyPair }; readonly changed: boolean }> {
  const time = now()
  const plan = planAuthority(authority, settings, time)
  const notBefore = new Date(time.getTime() - settings.skewMs)
  const cas = [...plan.keep]
  if (plan.newCa !== undefined) {
    announce('CA', plan.newCa)
    cas.unshift(await issueCa(caName, { notBefore, notAfter: new Date(time.getTime() + settings.caLifeMs) }))
  }
  const signer = plan.signer ?? cas[0]
  if (signer === undefined) throw new CertificateError('there is no CA to sign with')
  if (plan.newLeaf === undefined && authority.leaf !== undefined)
    return { authority: { cas, leaf: authority.leaf }, changed: plan.newCa !== undefined }
  announce('certificate', plan.newLeaf ?? 'there is none')
  const end = Math.min(time.getTime() + settings.leafLifeMs, readCertificate(signer.cert).validToDate.getTime())
  const leaf = await issueLeaf(settings.names, signer, { notBefore, notAfter: new Date(end) })
  return { authority: { cas, leaf }, changed: true }
}

function serving({ cas, leaf }: Authority & { readonly leaf: KeyPair }): ServingCertificate {
  return servingCertificate(leaf, encodeAuthority({ cas, leaf })['ca.crt'])
}
