/**
 * Builds the CNI plugin (plugin/, Go) into the cache, under a name that changes with its sources. Run as a program it builds it
 * for every architecture and prints where.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { cached, FetchError } from './cache.ts'

export const PLUGIN_NAME = 'sluice-cni'
export const PLUGIN_ARCHITECTURES = ['amd64', 'arm64'] as const
export type PluginArchitecture = (typeof PLUGIN_ARCHITECTURES)[number]

const SOURCES = join(import.meta.dirname, '../plugin')
/** It is copied onto every node, and started for every pod. */
const LARGEST_BYTES = 4 * 1024 * 1024

/** This machine's, in Go's words. */
export function ownArchitecture(): PluginArchitecture {
  return process.arch === 'arm64' ? 'arm64' : 'amd64'
}

/** Why the plugin cannot be built on this machine, in one sentence; null where it can. */
export function missingForPlugin(): string | null {
  return spawnSync('go', ['version']).status === 0
    ? null
    : 'Go is not installed: it builds the CNI plugin (https://go.dev/doc/install)'
}

/** The static binary for `architecture`, built where it is not there yet. Throws a FetchError with the compiler's words. */
export function buildPlugin(architecture: PluginArchitecture = ownArchitecture()): string {
  const folder = cached(`plugin-${architecture}-${sourcesHash()}`, `the plugin for ${architecture}`, (target) => {
    const args = ['build', '-trimpath', '-ldflags', '-s -w', '-o', join(target, PLUGIN_NAME), '.']
    const env = { ...process.env, CGO_ENABLED: '0', GOOS: 'linux', GOARCH: architecture }
    const { status, error, stderr } = spawnSync('go', args, { cwd: SOURCES, env, encoding: 'utf8' })
    if (status !== 0) throw new FetchError(error?.message ?? stderr.trim())
    const { size } = statSync(join(target, PLUGIN_NAME))
    if (size > LARGEST_BYTES) throw new FetchError(`the plugin has ${size} bytes, more than ${LARGEST_BYTES}`)
  })
  return join(folder, PLUGIN_NAME)
}

function sourcesHash(): string {
  const hash = createHash('sha256')
  for (const file of readdirSync(SOURCES).sort())
    if (!file.endsWith('_test.go')) hash.update(file).update(readFileSync(join(SOURCES, file)))
  return hash.digest('hex').slice(0, 12)
}

if (import.meta.main)
  for (const architecture of PLUGIN_ARCHITECTURES) process.stdout.write(`${buildPlugin(architecture)}\n`)
