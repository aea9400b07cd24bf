import { readFile } from 'node:fs/promises'
import type { OutgoingHttpHeaders } from 'node:http'
import { Agent, type RequestOptions } from 'node:https'
import { join } from 'node:path'

/** An API server, and how to speak to it. */
export interface Connection {
  /** the address, such as `https://10.0.0.1:443`, perhaps with a path */
  readonly server: string
  /** Agent and headers for the next request: asked for each time, since tokens are rotated. */
  readonly options: () => Promise<Pick<RequestOptions, 'agent' | 'auth'> & { readonly headers?: OutgoingHttpHeaders }>
}

/** Where the kubelet puts a pod's service account. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

export interface InClusterOptions {
  readonly directory?: string
  /** of `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT` */
  readonly host: string
  readonly port: string
}

/**
 * The API server of the cluster that this pod runs in, by the pod's service account. Token and CA are read for every
 * request, as the kubelet replaces both while the pod runs; without them a request fails with the file's error.
 */
export function inClusterConnection({ directory = SERVICE_ACCOUNT, host, port }: InClusterOptions): Connection {
  let made: { readonly ca: string; readonly agent: Agent } | undefined
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    options: async () => {
      const read = async (file: string): Promise<string> => await readFile(join(directory, file), 'utf8')
      const [ca, token] = [await read('ca.crt'), await read('token')]
      // sockets of the agent before stay open until their requests are over
      if (made?.ca !== ca) made = { ca, agent: new Agent({ ca, keepAlive: true }) }
      return { agent: made.agent, headers: { authorization: `Bearer ${token.trim()}` } }
    },
  }
}
