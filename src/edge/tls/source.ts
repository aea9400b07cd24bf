import { setTimeout as sleep } from 'node:timers/promises'
import { isValid, type ServingCertificate } from './certificate.ts'

/** Where a server's certificate comes from, and stays fresh. */
export interface CertificateSource {
  /** never waits, never throws */
  current(): ServingCertificate | undefined
  /** there is one, and `now` lies inside its validity */
  healthy(now: Date): boolean
  /** called with each certificate that takes the place of another; subscribe before `run` */
  onChange(listener: (certificate: ServingCertificate) => void): void
  /** looks now; throws `CertificateError` where that gives no certificate */
  refresh(): Promise<void>
  /** keeps it fresh until told to stop; a failure is reported, and the last good certificate stays */
  run(signal: AbortSignal): Promise<void>
}

export interface SourceOptions {
  /** gives the certificate as it should be now; throws where there is none */
  readonly load: () => Promise<ServingCertificate>
  /** how long to wait between two looks */
  readonly everyMs: number
  /** called when a look failed */
  readonly report: (error: unknown) => void
  /** starts whatever may ask for a look before its time; undefined where only time counts */
  readonly watch?: (look: () => void, signal: AbortSignal) => void
}

/** A source that looks regularly, and at once when `watch` says so; it swaps only what changed and could be loaded. */
export function createSource({ load, everyMs, report, watch }: SourceOptions): CertificateSource {
  let current: ServingCertificate | undefined
  const listeners: ((certificate: ServingCertificate) => void)[] = []
  const refresh = async (): Promise<void> => {
    const loaded = await load()
    if (loaded.cert === current?.cert && loaded.key === current.key && loaded.ca === current.ca) return
    current = loaded
    for (const listener of listeners) listener(loaded)
  }
  return {
    current: () => current,
    healthy: (now) => current !== undefined && isValid(current, now),
    onChange: (listener) => void listeners.push(listener),
    refresh,
    run: async (signal) => {
      let wake = new AbortController()
      watch?.(() => wake.abort(), signal)
      for (;;) {
        await pause(everyMs, AbortSignal.any([signal, wake.signal]))
        if (signal.aborted) return
        wake = new AbortController()
        await refresh().catch(report)
      }
    },
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal, ref: false })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
