import { createPrivateKey, X509Certificate } from 'node:crypto'

/** A certificate and its private key, as PEM. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

/** What a server shows and what its clients must trust. */
export interface ServingCertificate extends KeyPair {
  /** PEM of every CA that clients must trust, newest first; empty where somebody else tells them */
  readonly ca: string
  readonly notBefore: Date
  readonly notAfter: Date
}

/** A certificate or key that cannot be used; `message` is one sentence and holds no key. */
export class CertificateError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CertificateError'
  }
}

/** When a certificate is valid. */
export interface Validity {
  readonly notBefore: Date
  readonly notAfter: Date
}

/**
 * The pair as a certificate to serve; the first certificate of a chain counts. Throws `CertificateError` where one of the
 * two cannot be read or they do not belong together. Says nothing of the time: see `isValid`.
 */
export function servingCertificate({ cert, key }: KeyPair, ca: string): ServingCertificate {
  const leaf = readCertificate(cert)
  if (!leaf.checkPrivateKey(readKey(key))) throw new CertificateError('the private key is not that of the certificate')
  return { cert, key, ca, notBefore: leaf.validFromDate, notAfter: leaf.validToDate }
}

/** The first certificate of `pem`. Throws `CertificateError`. */
export function readCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw new CertificateError('the certificate is no PEM that can be read', { cause })
  }
}

/** Each block of the given kind in a PEM text of several, ending in a newline. */
export function splitPem(text: string, kind: 'CERTIFICATE' | 'PRIVATE KEY'): readonly string[] {
  const blocks = text.match(new RegExp(`-----BEGIN ${kind}-----[^-]+-----END ${kind}-----`, 'g')) ?? []
  return blocks.map((block) => `${block}\n`)
}

/** Does `now` lie inside the validity? */
export function isValid({ notBefore, notAfter }: Validity, now: Date): boolean {
  return notBefore <= now && now < notAfter
}

/**
 * Must a certificate be replaced, and why? At two thirds of its life by the wall clock: a machine that was suspended has
 * slept through every timer.
 */
export function mustRenew(
  { notBefore, notAfter }: Validity,
  now: Date,
): { readonly renew: boolean; readonly why: string } {
  if (now < notBefore) return { renew: true, why: `it is not valid before ${notBefore.toISOString()}` }
  if (now >= notAfter) return { renew: true, why: `it expired at ${notAfter.toISOString()}` }
  const due = new Date(notBefore.getTime() + ((notAfter.getTime() - notBefore.getTime()) * 2) / 3)
  if (now >= due) return { renew: true, why: `two thirds of its life were over at ${due.toISOString()}` }
  return { renew: false, why: `two thirds of its life are over at ${due.toISOString()}` }
}

function readKey(pem: string): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(pem)
  } catch {
    // no cause: OpenSSL's message may quote the input
    throw new CertificateError('the private key is no PEM that can be read')
  }
}
