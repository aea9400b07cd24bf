/** Debian packages, fetched by the system's own apt (which checks their signatures) and unpacked into the cache. */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cached, FetchError, fetchWith } from './cache.ts'

/**
 * The folder into which `packages` are unpacked (`usr/sbin`, `usr/lib/…`), under a name that changes with their versions.
 * Throws a FetchError where there is no apt, no network or no such package.
 */
export function debs(name: string, packages: readonly string[]): string {
  const architecture = fetchWith('dpkg', ['--print-architecture'], '/').trim()
  const versions = candidates(packages)
  const key = createHash('sha256').update(versions.join()).digest('hex').slice(0, 12)
  return cached(`${name}-${architecture}-${key}`, `${packages.length} packages for ${name}`, (folder) => {
    const downloads = mkdtempSync(join(tmpdir(), 'sluice-debs-'))
    try {
      fetchWith('apt-get', ['download', ...packages], downloads)
      mkdirSync(folder, { recursive: true })
      for (const file of readdirSync(downloads)) fetchWith('dpkg-deb', ['-x', join(downloads, file), folder], downloads)
    } finally {
      rmSync(downloads, { recursive: true, force: true })
    }
  })
}

/** The versions that apt would fetch; where it knows none, its lists are missing and are fetched first. */
function candidates(packages: readonly string[]): readonly string[] {
  const known = policy(packages)
  if (known.length === packages.length) return known
  process.stderr.write('fetching the lists of apt\n')
  fetchWith('apt-get', ['update'], '/')
  const found = policy(packages)
  if (found.length === packages.length) return found
  throw new FetchError(`apt knows only ${found.length} of ${packages.join(', ')}`)
}

function policy(packages: readonly string[]): readonly string[] {
  const text = fetchWith('apt-cache', ['policy', ...packages], '/')
  return [...text.matchAll(/^ {2}Candidate: (.+)$/gm)].flatMap(([, version = '']) =>
    version === '(none)' ? [] : [version],
  )
}
