import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile, open } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../files/make-folder.ts'
import type { CertificateStore, StoredFiles } from './store.ts'

const CURRENT = 'current'
const VERSION = /^v-[0-9a-f]{12}$/

/**
 * A store in a directory, as the kubelet lays out a Secret: each version is a folder, and the link `current` is moved by
 * one rename, so that a reader sees all of the old files or all of the new ones, also after a crash. Only the user that
 * runs the server can read them. Of several that write first, one wins; of several that replace the same version at the
 * same moment the last one does, and the others follow at their next look.
 */
export function directoryStore(directory: string): CertificateStore {
  return {
    read: () => read(directory),
    write: async (files, version) => {
      makeFolder(directory, 0o777)
      if ((await currentVersion(directory)) !== version) return false
      const made = await writeVersion(directory, files)
      if (version === undefined) return await placeFirst(directory, made)
      await replace(directory, made)
      return true
    },
  }
}

/** A version may go while it is read: then there is a newer one. */
const READS = 3

async function read(directory: string): Promise<StoredFiles | undefined> {
  for (let left = READS; ; left--) {
    const version = await currentVersion(directory)
    if (version === undefined) return undefined
    try {
      return { files: await readFolder(join(directory, version)), version }
    } catch (error) {
      if (!hasCode(error, 'ENOENT') || left === 1) throw error
    }
  }
}

async function readFolder(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = await readdir(folder)
  const texts = await Promise.all(
    names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const),
  )
  return Object.fromEntries(texts)
}

async function currentVersion(directory: string): Promise<string | undefined> {
  try {
    return await readlink(join(directory, CURRENT))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

async function writeVersion(directory: string, files: Readonly<Record<string, string>>): Promise<string> {
  const version = `v-${randomBytes(6).toString('hex')}`
  await mkdir(join(directory, version), { mode: 0o700 })
  for (const [name, text] of Object.entries(files)) await writeSynced(join(directory, version, name), text)
  return version
}

/** A link that is made fails where there is one: the first wins. */
async function placeFirst(directory: string, version: string): Promise<boolean> {
  try {
    await symlink(version, join(directory, CURRENT))
    return true
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    await rm(join(directory, version), { recursive: true })
    return false
  }
}

async function replace(directory: string, version: string): Promise<void> {
  const link = join(directory, `.${version}`)
  await symlink(version, link)
  await rename(link, join(directory, CURRENT))
  for (const name of await readdir(directory))
    if (VERSION.test(name) && name !== version) await rm(join(directory, name), { recursive: true, force: true })
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

async function writeSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await writeFile(handle, text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
