import { BACKENDS } from '../../../src/edge/host/apply.ts'
import { redirectorWith } from '../agent/redirectors.ts'
import { NetnsWorker } from '../../../src/edge/host/netns-worker.ts'
import { netnsTools } from '../../../scripts/netns-tools.ts'

/** `self-test BACKEND ROUNDS`: an agent's self-test, and a line with what it found after each round. */
const [, , wanted, rounds] = process.argv
const tools = netnsTools()
await using worker = await NetnsWorker.start({
  libnftables: tools.libnftables,
  programs: { directory: tools.programs, env: tools.env },
})
const redirector = redirectorWith({
  worker,
  backend: BACKENDS.find((backend) => backend === wanted) ?? null,
})
for (let i = 0; i < Number(rounds); i++) {
  await redirector.tryNode()
  process.stdout.write(`${JSON.stringify(redirector.picked)}\n`)
}
