import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type ArchiveFile, tar } from '../../edge/archive/tar.ts'
import { createClient } from '../../edge/cluster/client.ts'
import { makeFolder } from '../../edge/files/make-folder.ts'
import { collect } from './bundle/collect.ts'
import { CLUSTER_FLAGS, connect } from './cluster.ts'
import { type Command, CommandFailure } from './command.ts'
import { reasonOf } from './input.ts'
import { INSTALLATION_FLAGS, installationOf } from './installation.ts'
import { namespaceGiven, PROBE_NAMESPACE_FLAG } from './where.ts'

export const bundleCommand: Command = {
  name: 'bundle',
  positional: null,
  flags: [
    {
      name: 'to',
      value: 'PATH',
      default: 'sluice-bundle.tar.gz',
      help: 'where it is written: an archive if the name ends in .tar.gz, else a folder',
    },
    PROBE_NAMESPACE_FLAG,
    ...CLUSTER_FLAGS,
    ...INSTALLATION_FLAGS,
  ],
  examples: ['kubectl sluice bundle', 'kubectl sluice bundle --to bundle'],
  run: async (flags, _positional, io) => {
    const path = flags['to'] ?? ''
    const now = new Date()
    const given = namespaceGiven(flags)
    const connection = await connect(flags, io)
    const client = createClient(connection, { timeoutMs: 30_000, signal: io.stop })
    const installation = installationOf(flags)
    const probeNamespace = given ?? connection.namespace
    const { files, read, unread } = await collect({ client, installation, probeNamespace, now: now.getTime() })
    await write(path, files, now).catch((error: unknown) => {
      throw new CommandFailure(`cannot write ${path}: ${reasonOf(error)}`, { cause: error })
    })
    io.out(`${path}: ${files.length} files; look through them before you give them away\n`)
    if (unread > 0)
      io.err(`${unread} thing${unread === 1 ? '' : 's'} could not be read; problems.txt says which, and why\n`)
    return read === 0 ? 'failure' : 'ok'
  },
}

/** Readable by its owner alone. An archive or file that is there already is never replaced. */
async function write(path: string, files: readonly ArchiveFile[], now: Date): Promise<void> {
  const options = { mode: 0o600, flag: 'wx' }
  if (path.endsWith('.tar.gz')) {
    await writeFile(path, gzipSync(tar(files, now)), options)
    return
  }
  for (const file of files) {
    const target = join(path, file.path)
    makeFolder(dirname(target), 0o700)
    await writeFile(target, file.text, options)
  }
}
