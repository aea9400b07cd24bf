export interface BackoffLimits {
  readonly firstMs: number
  readonly maxMs: number
}

/**
 * How long to wait before try `failures + 1`: twice as long each time, never longer than `maxMs`, and at random between half
 * of it and all of it, so that the clients of a server that comes back do not come back together.
 */
export function backoffMs(failures: number, { firstMs, maxMs }: BackoffLimits, random: number): number {
  const whole = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30))
  return whole * (0.5 + random / 2)
}
