import { Redirector, type RedirectorOptions } from '../../../src/app/agent/redirector.ts'
import { address } from '../../../src/core/intent/grammar.ts'
import { PROBE_SOURCE } from '../../../src/core/vocabulary/ports.ts'

const probeSource = { 4: address.parse(PROBE_SOURCE.v4), 6: address.parse(PROBE_SOURCE.v6) }

/** A redirector that does ambient as most nodes do. */
export function redirectorWith(options: Omit<RedirectorOptions, 'ambient'>): Redirector {
  return new Redirector({ ...options, ambient: { dnsCapture: true, probeSource } })
}
