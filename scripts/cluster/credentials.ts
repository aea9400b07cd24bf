import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generate } from 'selfsigned'

const DAY_MS = 86_400_000

interface Signer {
  readonly key: string
  readonly cert: string
}

/**
 * Writes what a test API server needs into `directory`: CA, serving certificate, service-account keys, and the
 * administrator's client certificate with its kubeconfig `admin.conf`.
 */
export async function writeCredentials(directory: string, url: string): Promise<void> {
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
  const server = await generate([{ name: 'commonName', value: 'kube-apiserver' }], {
    ...common(),
    ca,
    extensions: [
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 7, ip: '127.0.0.1' },
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
  const admin = await generate(
    [
      { name: 'organizationName', value: 'system:masters' },
      { name: 'commonName', value: 'admin' },
    ],
    { ...common(), ca, extensions: [{ name: 'extKeyUsage', clientAuth: true }] },
  )
  write(
    'admin.conf',
    kubeconfig(url, ca.cert, {
      'client-certificate-data': base64(admin.cert),
      'client-key-data': base64(admin.private),
    }),
  )
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
