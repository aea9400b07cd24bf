import type { CertificateStore, StoredFiles } from '../tls/store.ts'
import { hasStatus } from './api-error.ts'
import { partOf, textOf, type ApiObject } from './api-object.ts'
import type { ClusterClient } from './client.ts'

const SECRETS = { group: '', version: 'v1', plural: 'secrets' }

/** Which Secret. */
export interface SecretName {
  readonly namespace: string
  readonly name: string
}

/**
 * A store in a Secret, which every replica of a server reads and may write. The API server decides races: whoever creates
 * first, or replaces the version that is there, wins; the loser is told so and takes what the winner wrote. A Secret that
 * somebody else made empty is filled; its labels and whatever else stands in it stay.
 */
export function secretStore(client: ClusterClient, { namespace, name }: SecretName): CertificateStore {
  const collection = { resource: SECRETS, namespace }
  const target = { ...collection, name }
  return {
    read: async () => {
      const secret = await unless(404, client.get(target))
      return secret === undefined ? undefined : storedIn(secret)
    },
    write: async (files, version) => {
      const data = Object.fromEntries(Object.entries(files).map(([file, text]) => [file, encoded(text)]))
      if (version === undefined) {
        const secret = {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { namespace, name },
          type: 'kubernetes.io/tls',
          data,
        }
        return (await unless(409, client.create(collection, secret))) !== undefined
      }
      const written = client.patch(target, 'merge', { metadata: { resourceVersion: version }, data })
      return (await unless(404, unless(409, written))) !== undefined
    },
  }
}

function storedIn(secret: ApiObject): StoredFiles {
  const files = Object.entries(partOf(secret['data'])).map(([file, text]) => [file, decoded(textOf(text))] as const)
  return {
    files: Object.fromEntries(files.filter(([, text]) => text !== '')),
    version: textOf(partOf(secret['metadata'])['resourceVersion']),
  }
}

/** What `call` gives; undefined where the API server answers `status`. */
async function unless<T>(status: number, call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (hasStatus(error, status)) return undefined
    throw error
  }
}

function encoded(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}

function decoded(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8')
}
