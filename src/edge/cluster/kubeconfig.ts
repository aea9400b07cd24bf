import type { OutgoingHttpHeaders } from 'node:http'
import type { RequestOptions } from 'node:https'
import type { Connection } from './connection.ts'

export interface KubeconfigOptions {
  /** undefined: where kubectl looks (`KUBECONFIG`, `~/.kube/config`, the pod's service account) */
  readonly file?: string | undefined
  /** undefined: the current one */
  readonly context?: string | undefined
}

/** What the library takes where it finds no configuration at all. */
const NONE_FOUND = 'http://localhost:8080'

/** The API server that a kubeconfig leads to, and the namespace that it says. */
export interface KubeconfigConnection extends Connection {
  readonly namespace: string
}

/**
 * Reads a kubeconfig with all that users have in theirs: certificates, tokens, exec plugins, OIDC, proxies. The library
 * that can do this takes 80 MiB, so it is loaded here only; a server inside the cluster uses `inClusterConnection`.
 * Throws where the file cannot be read or names no cluster, or one without TLS.
 */
export async function kubeconfigConnection({ file, context }: KubeconfigOptions): Promise<KubeconfigConnection> {
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  if (file === undefined) config.loadFromDefault()
  else config.loadFromFile(file)
  if (context !== undefined) config.setCurrentContext(context)
  const cluster = config.getCurrentCluster()
  if (cluster === null) throw new Error(whyNoCluster(config.getContexts(), config.getCurrentContext()))
  if (file === undefined && cluster.server === NONE_FOUND)
    throw new Error(
      'there is no KUBECONFIG and no ~/.kube/config, and this is no pod with an account; --kubeconfig names a file',
    )
  if (!cluster.server.startsWith('https://'))
    throw new Error(
      `the API server's address is ${cluster.server}; it must be https, so give a kubeconfig that says so`,
    )
  return {
    server: cluster.server,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    options: async () => {
      const options: RequestOptions = {}
      await config.applyToHTTPSOptions(options)
      const { agent, headers, auth } = options
      return {
        ...(agent === undefined ? {} : { agent }),
        ...(headers === undefined || Array.isArray(headers) ? {} : { headers: headers as OutgoingHttpHeaders }),
        ...(auth === undefined ? {} : { auth }),
      }
    },
  }
}

/** The library gives no current context for a file that names none. */
function whyNoCluster(contexts: readonly { readonly name: string }[], current: string | undefined): string {
  const names = contexts.map(({ name }) => name)
  if (names.length === 0) return 'it is no kubeconfig: it has no contexts'
  if (current === undefined || current === '') return `it has no current-context; --context takes ${names.join(', ')}`
  return names.includes(current)
    ? `its context ${current} names a cluster that it does not have`
    : `it has no context ${current}; --context takes ${names.join(', ')}`
}
