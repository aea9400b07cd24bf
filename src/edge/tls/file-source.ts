import { watch as watchDirectory } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CertificateError, servingCertificate, type ServingCertificate } from './certificate.ts'
import { createSource, type CertificateSource } from './source.ts'

export interface FileSourceOptions {
  readonly certFile: string
  readonly keyFile: string
  readonly report: (error: unknown) => void
  readonly everyMs?: number
}

/** A change of a Secret's volume makes several events. */
const SETTLE_MS = 100

/**
 * Certificate and key from two files that somebody else keeps fresh (cert-manager). Their directories are watched, and
 * read again every 10 seconds besides: a directory that is replaced takes its watch with it. Half a replacement (a key
 * that does not fit yet) is refused, and the pair that is served stays.
 */
export function fileSource({ certFile, keyFile, report, everyMs = 10_000 }: FileSourceOptions): CertificateSource {
  const directories = new Set([dirname(certFile), dirname(keyFile)])
  return createSource({
    load: () => loadFiles(certFile, keyFile),
    everyMs,
    report,
    watch: (look, signal) => {
      for (const directory of directories) watchFor(directory, look, signal, report)
    },
  })
}

async function loadFiles(certFile: string, keyFile: string): Promise<ServingCertificate> {
  const [cert, key] = await Promise.all([readText(certFile), readText(keyFile)])
  return servingCertificate({ cert, key }, '')
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new CertificateError(`${file} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}`, {
      cause,
    })
  }
}

function watchFor(directory: string, look: () => void, signal: AbortSignal, report: (error: unknown) => void): void {
  let timer: NodeJS.Timeout | undefined
  try {
    const watcher = watchDirectory(directory, { signal, persistent: false }, () => {
      clearTimeout(timer)
      timer = setTimeout(look, SETTLE_MS).unref()
    })
    watcher.on('error', report)
  } catch (error) {
    report(error) // the regular look is enough
  }
}
