import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { generate } from 'selfsigned'
import type { KeyPair } from './certificate.ts'

const EC = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const

export interface Validities {
  readonly notBefore: Date
  readonly notAfter: Date
}

/**
 * A new CA: EC P-256, SHA-256. Its common name is its own, since during a rotation two CAs are trusted together and neither
 * carries a key identifier: without a name of its own a client could tell them apart only by trying.
 */
export async function issueCa(prefix: string, { notBefore, notAfter }: Validities): Promise<KeyPair> {
  const commonName = `${prefix}-${randomBytes(6).toString('hex')}`
  const made = await generate([{ name: 'commonName', value: commonName }], {
    ...EC,
    notBeforeDate: notBefore,
    notAfterDate: notAfter,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  return { cert: withNewline(made.cert), key: withNewline(made.private) }
}

/** A new certificate for a server that is called by any of `names`, signed by `ca`. */
export async function issueLeaf(
  names: readonly string[],
  ca: KeyPair,
  { notBefore, notAfter }: Validities,
): Promise<KeyPair> {
  const made = await generate([{ name: 'commonName', value: commonNameOf(names) }], {
    ...EC,
    notBeforeDate: notBefore,
    notAfterDate: notAfter,
    ca: { key: ca.key, cert: ca.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: names.map(alternativeName) },
    ],
  })
  return { cert: withNewline(made.cert), key: withNewline(made.private) }
}

/** X.509 allows 64 characters; clients look at the alternative names only. */
function commonNameOf(names: readonly string[]): string {
  return names.find((name) => name.length <= 64) ?? 'server'
}

function alternativeName(name: string): { type: 2; value: string } | { type: 7; ip: string } {
  return isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name }
}

/** Ends in one newline, so that several make a bundle by standing behind one another. */
function withNewline(pem: string): string {
  return `${pem.replaceAll('\r\n', '\n').trim()}\n`
}
