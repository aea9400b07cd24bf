import { spawnSync } from 'node:child_process'
import { arch } from 'node:os'
import { join } from 'node:path'
import { cached, FetchError, fetchWith } from '../cache.ts'
import { KUBERNETES_VERSION } from '../cluster/kubernetes.ts'

const VERSION = 'v3.22.0'
export const CHART = join(import.meta.dirname, '../../manifests/chart')

/** The path of helm, built from its published Go module into the cache the first time. Throws a FetchError. */
export function helmProgram(): string {
  const folder = cached(
    `helm-${VERSION}-${arch()}`,
    `and building helm ${VERSION} (once, two to three minutes)`,
    (target) => {
      const source = `helm.sh/helm/v3/cmd/helm@${VERSION}`
      fetchWith('go', ['install', '-trimpath', '-ldflags', '-s -w', source], target, {
        GOBIN: target,
        CGO_ENABLED: '0',
      })
    },
  )
  return join(folder, 'helm')
}

/** Why helm cannot be had here, or null. */
export function missingForHelm(): string | null {
  if (spawnSync('go', ['version']).status !== 0)
    return 'Go is not installed: it builds the helm that renders the chart (https://go.dev/doc/install)'
  try {
    helmProgram()
    return null
  } catch (error) {
    if (error instanceof FetchError) return error.message
    throw error
  }
}

/** What `helm template` gives for a release `sluice`, or what it says where it refuses. */
export function renderChart(
  args: readonly string[] = [],
  namespace = 'sluice-system',
): { readonly ok: boolean; readonly text: string } {
  const { status, stdout, stderr } = spawnSync(
    helmProgram(),
    ['template', 'sluice', CHART, '--namespace', namespace, '--kube-version', KUBERNETES_VERSION, ...args],
    { encoding: 'utf8', env: { ...process.env, HELM_CACHE_HOME: '/nonexistent', HELM_CONFIG_HOME: '/nonexistent' } },
  )
  return status === 0 ? { ok: true, text: stdout } : { ok: false, text: stderr }
}
