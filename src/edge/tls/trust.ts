import { type X509Certificate } from 'node:crypto'
import { readCertificate, splitPem } from './certificate.ts'

/** Does a client that trusts `bundle` (base64 of PEM) trust the certificate `pem`, as far as signatures tell? */
export function isTrusted(pem: string, bundle: string): boolean {
  const leaf = readCertificate(pem)
  const cas = splitPem(Buffer.from(bundle, 'base64').toString('utf8'), 'CERTIFICATE')
  return cas.some((ca) => signed(leaf, ca))
}

/** What cannot be read has signed nothing. */
function signed(leaf: X509Certificate, ca: string): boolean {
  try {
    return leaf.verify(readCertificate(ca).publicKey)
  } catch {
    return false
  }
}
