import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { debs } from '../../../scripts/debs.ts'
import { end } from '../world.ts'
import {
  callPlugin,
  DECIDED,
  makeSandbox,
  rulesIn,
  startAgentProcess,
  temporaryFolder,
  type TestSandbox,
} from './node.ts'

/** An agent that ends at a step of an ADD: strace kills it as it makes the system call that the step begins with. */
const root = debs('strace', ['strace', 'libunwind8', 'liblzma5'])
const libraries = ['usr/lib', 'lib'].flatMap((folder) =>
  existsSync(join(root, folder)) ? readdirSync(join(root, folder)).map((name) => join(root, folder, name)) : [],
)

interface Step {
  readonly name: string
  readonly call: string
  /** only where the call names this file */
  readonly file: ((place: string, sandbox: TestSandbox) => string) | null
  /** does the next agent find the pod in the journal? */
  readonly remembered: boolean
}

const unfinished = (place: string): string => join(place, 'run/journal.json.new')
const STEPS: readonly Step[] = [
  { name: 'its namespace is opened', call: 'openat', file: (_, { netns }) => netns.path, remembered: false },
  { name: 'the journal is begun', call: 'openat', file: unfinished, remembered: false },
  { name: 'the journal is put in its place', call: 'rename', file: unfinished, remembered: false },
  // the first of an agent that has nothing else to do: the survey of a namespace goes by another call
  { name: 'the rules are handed to the kernel', call: 'sendmsg', file: null, remembered: true },
]

/** More often than enough: an agent that just tries its node makes the same calls for itself. */
const TRIES = 8

for (const step of STEPS)
  test(`killed as ${step.name}: the pod does not start without rules, and starts with the next agent`, async () => {
    for (let tried = 0; !(await isKilledAt(step)); tried++) assert.ok(tried < TRIES, 'the step was never met')
  })

/** Was the agent killed at `step` of an ADD? What must hold is asserted whenever it was killed. */
async function isKilledAt({ call, file, remembered }: Step): Promise<boolean> {
  const [place, sandbox] = [temporaryFolder(), makeSandbox()]
  const agent = await startAgentProcess(place)
  const only = file === null ? [] : ['-P', file(place, sandbox)]
  const inject = ['-f', '-p', String(agent.pid), ...only, '-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL`]
  const env = { LD_LIBRARY_PATH: libraries.join(':') }
  const tracer = spawn(join(root, 'usr/bin/strace'), inject, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  after(async () => await end(tracer))
  // it says that it is attached, or why not
  await Promise.race([once(tracer.stderr, 'data'), once(tracer, 'exit')])
  const { code, error } = await callPlugin({ folder: place, sandbox, annotations: DECIDED })
  assert.notEqual(code, 0)
  assert.match(error?.msg ?? '', /agent_away/)
  await Promise.all([end(agent), end(tracer)])
  assert.equal(rulesIn(sandbox), '')
  const journal = join(place, 'run/journal.json')
  const isRemembered = existsSync(journal) && readFileSync(journal, 'utf8').includes(`"${sandbox.uid}"`)
  const next = await startAgentProcess(place)
  assert.equal((await callPlugin({ folder: place, sandbox, annotations: DECIDED })).code, 0)
  assert.equal((await callPlugin({ command: 'CHECK', folder: place, sandbox, annotations: DECIDED })).code, 0)
  await end(next)
  return isRemembered === remembered
}
