import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'

const PATIENCE_MS = 45_000

/** Resolves as soon as `holds` does; fails with `state` where it never does. */
export async function until(holds: () => boolean | Promise<boolean>, state: () => unknown): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await holds())) {
    if (performance.now() > deadline) assert.fail(`waited in vain: ${JSON.stringify(state(), readable)}`)
    await wait(25)
  }
}

function readable(_key: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value as Map<string, unknown>)
  return value instanceof Error ? value.message : value
}
