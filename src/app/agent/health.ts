import { type Check, checksPage } from '../../edge/telemetry/health.ts'
import { type PageServer, pageServer } from '../../edge/telemetry/page-server.ts'
import type { Loop } from './loop.ts'

/** Liveness: every loop still turns. A restart mends nothing else, least of all an API server that is away. */
export function heartbeats(loops: readonly Loop[]): readonly Check[] {
  return loops.map(({ name, ageMs, staleMs }) => {
    const age = `its last turn was ${Math.round(ageMs / 1000)} s ago`
    return ageMs <= staleMs
      ? { name, is: 'ok', detail: age }
      : { name, is: 'failed', detail: `${age}, more than ${Math.round(staleMs / 1000)} s` }
  })
}

/** `/healthz` for the kubelet's liveness probe and `/readyz` for the agent pod's Ready, which is what makes a node do `cni`. */
export function healthServer(loops: readonly Loop[], readiness: () => readonly Check[]): PageServer {
  return pageServer({
    '/healthz': (query) => checksPage(heartbeats(loops), query),
    '/readyz': (query) => checksPage(readiness(), query),
  })
}
