import { createPrivateKey, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { isValid, mustRenew, readCertificate, splitPem, type KeyPair, type Validity } from './certificate.ts'

/** CAs, newest first, and the certificate that one of them signed. */
export interface Authority {
  readonly cas: readonly KeyPair[]
  readonly leaf: KeyPair | undefined
}

export interface AuthoritySettings {
  /** DNS names and IP addresses that the certificate is for */
  readonly names: readonly string[]
  readonly caLifeMs: number
  readonly leafLifeMs: number
  /** certificates are valid this long before they are made: clocks differ */
  readonly skewMs: number
  /** a new CA signs only after this: until then clients may not have heard of it */
  readonly overlapMs: number
}

/** What has to be done before `authority` may serve; nothing for both means that it is as it should be. */
export interface AuthorityPlan {
  /** the CAs that stay, newest first */
  readonly keep: readonly KeyPair[]
  /** why a new CA must be made; undefined where it need not */
  readonly newCa: string | undefined
  /** the CA that signs; undefined where it must be the new one */
  readonly signer: KeyPair | undefined
  /** why a new certificate must be signed; undefined where it need not */
  readonly newLeaf: string | undefined
}

/**
 * What to do about an authority at `now`. Old and new CA stand in the bundle together: a new one is made at two thirds of
 * its predecessor's life, signs only when `overlapMs` have passed, and the old one stays until it expires.
 */
export function planAuthority(authority: Authority, settings: AuthoritySettings, now: Date): AuthorityPlan {
  const keep = authority.cas.filter(({ cert }) => isValid(validityOf(cert), now))
  const [newest] = keep
  const renewal = newest === undefined ? undefined : mustRenew(validityOf(newest.cert), now)
  const newCa = newest === undefined ? 'there is no valid CA' : renewal?.renew === true ? renewal.why : undefined
  const signer = keep.find(({ cert }) => isKnown(cert, settings, now)) ?? keep.at(-1)
  return { keep, newCa, signer, newLeaf: leafProblem(authority.leaf, signer, settings.names, now) }
}

/** Have clients had the time to hear of the CA? */
function isKnown(cert: string, { skewMs, overlapMs }: AuthoritySettings, now: Date): boolean {
  return validityOf(cert).notBefore.getTime() + skewMs + overlapMs <= now.getTime()
}

function leafProblem(
  leaf: KeyPair | undefined,
  signer: KeyPair | undefined,
  names: readonly string[],
  now: Date,
): string | undefined {
  if (leaf === undefined) return 'there is no certificate'
  const certificate = readCertificate(leaf.cert)
  if (signer === undefined || !certificate.verify(readCertificate(signer.cert).publicKey))
    return 'it was not signed by the CA that signs now'
  const missing = names.find((name) => !isFor(certificate, name))
  if (missing !== undefined) return `it does not name ${missing}`
  const { renew, why } = mustRenew(validityOf(leaf.cert), now)
  return renew ? why : undefined
}

function isFor(certificate: X509Certificate, name: string): boolean {
  return (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined
}

function validityOf(pem: string): Validity {
  const { validFromDate, validToDate } = readCertificate(pem)
  return { notBefore: validFromDate, notAfter: validToDate }
}

/** How an authority is kept: the names and meanings of a Secret of type kubernetes.io/tls, and the CAs' keys. */
export type AuthorityFiles = {
  /** all CA certificates, newest first: what clients must trust */
  readonly 'ca.crt': string
  /** their keys in the same order */
  readonly 'ca.key': string
  readonly 'tls.crt': string
  readonly 'tls.key': string
}

export function encodeAuthority({ cas, leaf }: Authority): AuthorityFiles {
  return {
    'ca.crt': cas.map(({ cert }) => cert).join(''),
    'ca.key': cas.map(({ key }) => key).join(''),
    'tls.crt': leaf?.cert ?? '',
    'tls.key': leaf?.key ?? '',
  }
}

/**
 * The authority that `files` hold, or undefined where they hold none that can be used: something missing or unreadable, or
 * keys that do not fit. An authority that cannot be used is made anew.
 */
export function decodeAuthority(files: Readonly<Record<string, string>>): Authority | undefined {
  const certs = splitPem(files['ca.crt'] ?? '', 'CERTIFICATE')
  const keys = splitPem(files['ca.key'] ?? '', 'PRIVATE KEY')
  const cas = certs.flatMap((cert, at) => pairOf(cert, keys[at]))
  const [leaf] = pairOf(files['tls.crt'] ?? '', files['tls.key'])
  return cas.length === certs.length && cas.length > 0 ? { cas, leaf } : undefined
}

function pairOf(cert: string, key: string | undefined): readonly KeyPair[] {
  if (key === undefined) return []
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)) ? [{ cert, key }] : []
  } catch {
    return []
  }
}
