import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generate } from 'selfsigned'

const DAY_MS = 86_400_000

interface Signer {
  readonly key: string
  readonly cert: string
}

/** A client of the API server: its kubeconfig is `<name>.conf`, its certificate `<name>.crt` with `<name>.key`. */
export interface ClientCredentials {
  readonly name: string
  readonly user: string
  readonly group: string | null
}

const ADMIN: ClientCredentials = { name: 'admin', user: 'admin', group: 'system:masters' }

/**
 * Writes what a test API server needs into `directory`: CA, serving certificate (for `addresses` beside loopback),
 * service-account keys, and the credentials of the administrator and of `clients`.
 */
export async function writeCredentials(
  directory: string,
  url: string,
  addresses: readonly string[] = [],
  clients: readonly ClientCredentials[] = [],
): Promise<void> {
  const write = (name: string, text: string): void => writeFileSync(join(directory, name), text, { mode: 0o600 })
  const authority = await generate([{ name: 'commonName', value: 'sluice-test-ca' }], {
    ...common(),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  const ca: Signer = { key: authority.private, cert: authority.cert }
  write('ca.crt', ca.cert)
  write('ca.key', ca.key)
  const server = await generate([{ name: 'commonName', value: 'kube-apiserver' }], {
    ...common(),
    ca,
    extensions: [
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...['127.0.0.1', ...addresses].map((ip) => ({ type: 7, ip }) as const),
          { type: 2, value: 'localhost' },
          { type: 2, value: 'kubernetes.default.svc' },
        ],
      },
    ],
  })
  write('server.crt', server.cert)
  write('server.key', server.private)
  const tokens = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  write('sa.key', tokens.privateKey.export({ type: 'sec1', format: 'pem' }) as string)
  write('sa.pub', tokens.publicKey.export({ type: 'spki', format: 'pem' }) as string)
  for (const { name, user, group } of [ADMIN, ...clients]) {
    const subject = [
      ...(group === null ? [] : [{ name: 'organizationName', value: group }]),
      { name: 'commonName', value: user },
    ]
    const extensions = [{ name: 'extKeyUsage', clientAuth: true }] as const
    const { cert, private: key } = await generate(subject, { ...common(), ca, extensions: [...extensions] })
    write(`${name}.crt`, cert)
    write(`${name}.key`, key)
    const data = { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) }
    write(`${name}.conf`, kubeconfig(url, ca.cert, data))
  }
}

/** A kubeconfig (JSON is YAML) for one user: a client certificate, or a token. */
export function kubeconfig(url: string, ca: string, user: Readonly<Record<string, string>>): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 't', cluster: { server: url, 'certificate-authority-data': base64(ca) } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 't', context: { cluster: 't', user: 'u' } }],
    'current-context': 't',
  })
}

function common(): { keyType: 'ec'; curve: 'P-256'; algorithm: 'sha256'; notBeforeDate: Date; notAfterDate: Date } {
  return {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - DAY_MS),
    notAfterDate: new Date(Date.now() + 30 * DAY_MS),
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
