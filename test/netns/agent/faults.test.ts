import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mock, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { end, tools } from '../world.ts'
import {
  agentOptions,
  callPlugin,
  DECIDED,
  makeSandbox,
  PLAIN,
  rulesIn,
  spawnPlugin,
  startAgentProcess,
  startTestAgent,
  temporaryFolder,
  type TestSandbox,
} from './node.ts'

/** What goes wrong on a node, caused on purpose: the rows of docs/faults.md that need no cluster. */
const folder = temporaryFolder()
const agent = await startTestAgent(
  agentOptions(folder, {
    tools: { libnftables: tools.libnftables, programs: { directory: tools.programs, env: tools.env }, backend: null },
  }),
)

function remembers(place: string, { uid }: TestSandbox): boolean {
  const path = join(place, 'run/journal.json')
  return existsSync(path) && readFileSync(path, 'utf8').includes(`"${uid}"`)
}
const isRedirected = (sandbox: TestSandbox): boolean => /redirect to :15001/.test(rulesIn(sandbox))

test('500 ADDs at once are all answered, and every pod is redirected', async () => {
  const place = temporaryFolder()
  const busy = await startAgentProcess(place)
  const spaces = Array.from({ length: 50 }, () => makeSandbox())
  // ten pods share a namespace: to the agent each is one of its own
  const pods = spaces.flatMap((space) =>
    Array.from({ length: 10 }, (_, i) => ({
      ...space,
      uid: `${space.uid}-${i}`,
      containerId: `${space.containerId}-${i}`,
    })),
  )
  const ends = await Promise.all(pods.map((sandbox) => callPlugin({ folder: place, sandbox, annotations: DECIDED })))
  assert.deepEqual(
    ends.filter(({ code }) => code !== 0),
    [],
  )
  assert.deepEqual(
    spaces.filter((space) => !isRedirected(space)),
    [],
  )
  const journal = readFileSync(join(place, 'run/journal.json'), 'utf8')
  assert.ok(pods.every(({ uid }) => journal.includes(`"${uid}"`)))
  await end(busy)
})

test('an ADD that races its DEL is either whole, or leaves nothing', async () => {
  for (let round = 0; round < 12; round++) {
    const sandbox = makeSandbox()
    const add = callPlugin({ folder, sandbox, annotations: DECIDED })
    await sleep(round * 2)
    const del = await callPlugin({ command: 'DEL', folder, sandbox, annotations: null })
    const { code } = await add
    assert.equal(del.code, 0)
    if (code !== 0) assert.equal(rulesIn(sandbox), '', 'what was refused has no rules')
    // an ADD that came after its DEL is ended by the runtime's next DEL
    if (remembers(folder, sandbox)) await callPlugin({ command: 'DEL', folder, sandbox, annotations: null })
    assert.ok(!remembers(folder, sandbox))
  }
})

test('a runtime that gives up leaves nothing half-made: what is remembered is redirected, and the reverse', async () => {
  for (let round = 0; round < 16; round++) {
    const sandbox = makeSandbox()
    const plugin = spawnPlugin({ folder, sandbox, annotations: DECIDED })
    await sleep(round)
    await end(plugin)
    // the pod's next request waits behind what is still being done or undone for it
    await callPlugin({ command: 'CHECK', folder, sandbox, annotations: DECIDED })
    assert.equal(isRedirected(sandbox), remembers(folder, sandbox), `killed after ${round} ms`)
  }
})

test('an agent that was killed in the middle of an ADD lets no promised pod through, and the next one makes it right', async () => {
  const place = temporaryFolder()
  for (let round = 0; round < 4; round++) {
    const sandboxes = Array.from({ length: 4 }, () => makeSandbox())
    const killed = await startAgentProcess(place)
    const adds = sandboxes.map((sandbox) => callPlugin({ folder: place, sandbox, annotations: DECIDED }))
    await sleep(2 + round * 12)
    await end(killed)
    for (const [i, { code, error }] of (await Promise.all(adds)).entries()) {
      const sandbox = sandboxes[i]
      assert.ok(sandbox !== undefined)
      if (code === 0) assert.ok(isRedirected(sandbox), 'passed and not redirected')
      else assert.match(error?.msg ?? '', /agent_away/)
    }
    // an unpromised pod starts meanwhile
    assert.equal((await callPlugin({ folder: place, sandbox: makeSandbox(), annotations: PLAIN })).code, 0)
    const next = await startAgentProcess(place)
    for (const sandbox of sandboxes) {
      assert.equal((await callPlugin({ folder: place, sandbox, annotations: DECIDED })).code, 0)
      assert.equal((await callPlugin({ command: 'CHECK', folder: place, sandbox, annotations: DECIDED })).code, 0)
    }
    await end(next)
  }
})

test('an agent that restarts with everything right writes nothing', async () => {
  const place = temporaryFolder()
  const sandbox = makeSandbox()
  const first = await startAgentProcess(place)
  await callPlugin({ folder: place, sandbox, annotations: DECIDED })
  await end(first)
  const before = [rulesIn(sandbox), readFileSync(join(place, 'run/journal.json'), 'utf8')]
  const second = await startAgentProcess(place)
  assert.equal((await callPlugin({ command: 'CHECK', folder: place, sandbox, annotations: DECIDED })).code, 0)
  await end(second)
  assert.deepEqual([rulesIn(sandbox), readFileSync(join(place, 'run/journal.json'), 'utf8')], before)
})

test('on a full disk pods start, the alarm says so, and the journal is written when there is space', async () => {
  const place = temporaryFolder()
  const disk = join(place, 'run')
  mkdirSync(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32k', 'tmpfs', disk])
  await using mounted = new AsyncDisposableStack()
  mounted.defer(() => void execFileSync('umount', ['-l', disk]))
  const full = await startTestAgent(agentOptions(place))
  mounted.defer(async () => await full.close())
  const filler = join(disk, 'filler')
  assert.throws(() => writeFileSync(filler, Buffer.alloc(1 << 20)), /ENOSPC/)
  const sandbox = makeSandbox()
  assert.equal((await callPlugin({ folder: place, sandbox, annotations: DECIDED })).code, 0)
  assert.ok(isRedirected(sandbox))
  assert.ok(!remembers(place, sandbox))
  const alarm = 'sluice_alarms{reason="journal_unwritten"} 1'
  while (!(await metricsOf(full.metricsAddress.port)).includes(alarm)) await sleep(200)
  rmSync(filler)
  await full.close()
  assert.ok(remembers(place, sandbox))
})

test('a clock that jumps a year ahead and back changes nothing', async () => {
  for (const now of [Date.now() + 365 * 86_400_000, 0]) {
    mock.timers.enable({ apis: ['Date'], now })
    const sandbox = makeSandbox()
    assert.equal((await callPlugin({ folder, sandbox, annotations: DECIDED })).code, 0)
    assert.ok(isRedirected(sandbox))
    const health = await fetch(`http://127.0.0.1:${agent.healthAddress.port}/healthz`)
    assert.equal(health.status, 200)
    mock.timers.reset()
  }
})

async function metricsOf(port: number): Promise<string> {
  return await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
}
