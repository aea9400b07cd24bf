import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { ask, receive, startAgentProcess } from '../../../bench/support/child.ts'
import { median } from '../../../bench/support/figure.ts'
import { buildRuntime, callAll } from '../../../bench/support/runtime.ts'
import type { Usage } from '../../../bench/support/usage.ts'
import { buildPlugin } from '../../../scripts/plugin.ts'
import { tools } from '../world.ts'
import { agentOptions, DECIDED, makeSandbox, pluginProcess, temporaryFolder } from './node.ts'

/** Pods come and go on a node for as long as it lives: nothing may grow. SLUICE_SOAK_SECONDS makes it longer. */
const SECONDS = Number(process.env['SLUICE_SOAK_SECONDS'] ?? 10)
const PARTS = 10
const SANDBOXES = 8

test('while pods come and go neither memory, descriptors, handles nor threads of the agent grow', async (t) => {
  const agent = await startAgentProcess()
  t.after(() => agent.kill())
  const folder = temporaryFolder()
  const programs = { directory: tools.programs, env: tools.env }
  const namespace = { kind: 'Namespace', metadata: { name: 'shop', labels: {} } }
  agent.send(
    agentOptions(folder, {
      tools: { libnftables: tools.libnftables, programs, backend: null },
      pods: { from: 'objects', objects: [namespace] },
    }),
  )
  await receive(agent)
  buildRuntime()
  const plugin = buildPlugin()
  const round = (['ADD', 'CHECK', 'DEL'] as const).flatMap((command) =>
    sandboxes.map((sandbox) => pluginProcess({ folder, sandbox, annotations: DECIDED, command })),
  )
  const some = async (seconds: number): Promise<number> => {
    const until = performance.now() + seconds * 1000
    let rounds = 0
    do rounds += (await callAll(plugin, round)).length
    while (performance.now() < until)
    return rounds
  }
  // what is compiled and cached at first is no leak
  let calls = await some(SECONDS / 2)
  const seen: (Usage & { readonly threads: number })[] = []
  for (let part = 0; part < PARTS; part++) {
    calls += await some(SECONDS / PARTS)
    const threads = readdirSync(`/proc/${String(agent.pid)}/task`).length
    seen.push({ ...(await ask<Usage>(agent, 'usage')), threads })
  }
  t.diagnostic(`${calls} calls`)
  const [early, late] = [seen.slice(0, PARTS / 2), seen.slice(PARTS / 2)]
  for (const [what, bound] of Object.entries(MAY_GROW) as [keyof typeof MAY_GROW, number][]) {
    const of = (some: typeof seen): number => median(some.map((usage) => usage[what]))
    t.diagnostic(`${what}: ${seen.map((usage) => usage[what].toFixed(1)).join(' ')}`)
    assert.ok(of(late) - of(early) <= bound, `${what} grows from ${of(early)} to ${of(late)}`)
  }
})

/** The heap is what is reachable, so its noise is small; resident memory also holds what V8 has not given back. */
const MAY_GROW = { heapMiB: 1, residentMiB: 10, descriptors: 4, handles: 4, threads: 0 } as const
const sandboxes = Array.from({ length: SANDBOXES }, () => makeSandbox())
