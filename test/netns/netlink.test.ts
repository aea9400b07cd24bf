import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import type { Family } from '../../src/edge/host/addresses.ts'
import type { NetworkItem } from '../../src/edge/host/network.ts'
import type { Survey } from '../../src/edge/host/survey.ts'
import { end, makeNetns, startWorker, untilEnd } from './world.ts'

const worker = await startWorker()

/** More than the kernel lists at once. */
const STANDING = Array.from({ length: 3000 }, (_, i) => `10.201.${i >> 8}.${i & 255}`)
/** By its scope always before them: when it comes or goes, all that follow move. */
const RESTLESS = '10.200.0.1/32 scope host'
const LISTS = 20

test('a list that changes while the kernel gives it is whole, or its reader is told that it could not be had', async () => {
  const netns = makeNetns('netlink')
  const line = (verb: 'add' | 'del', address: string): string => `address ${verb} ${address} dev lo\n`
  const batch = ['-n', netns.name, '-batch', '-']
  execFileSync('ip', batch, {
    input: [RESTLESS, ...STANDING.map((one) => `${one}/32`)].map((one) => line('add', one)).join(''),
  })
  const changing = spawn('ip', batch, { stdio: ['pipe', 'ignore', 'inherit'] })
  untilEnd({ [Symbol.asyncDispose]: () => end(changing) })
  const gone = once(changing, 'exit')
  const changes = (line('del', RESTLESS) + line('add', RESTLESS)).repeat(50)
  const feed = (): void => {
    while (changing.stdin.write(changes)) continue
  }
  changing.stdin.on('drain', feed)
  feed()
  for (let lists = 0; lists < LISTS; lists++) {
    const survey = await surveyOrError()
    if (survey instanceof Error) assert.match(survey.message, /EINTR/)
    else assert.deepEqual(missingFrom(survey), [])
  }
  changing.stdin.off('drain', feed).end()
  assert.deepEqual(await gone, [0, null])
  const last = await surveyOrError()
  assert.ok(!(last instanceof Error))
  assert.deepEqual(missingFrom(last), [])

  async function surveyOrError(): Promise<Survey | Error> {
    try {
      return await worker.run('survey', netns.handle, {})
    } catch (error) {
      return error as Error
    }
  }
})

test('where the kernel lacks the family, as one without IPv6, there is nothing of it to be removed', async () => {
  // for a number that is none the kernel is asked about a family that it does not have
  const family = 0 as Family
  const network: readonly NetworkItem[] = [
    { kind: 'rule', family, mark: 1, mask: 1, table: 100, priority: null },
    { kind: 'local-route', family, device: 'lo', table: 100 },
  ]
  const change = { rules: { backend: 'libnftables', text: '' }, network } as const
  assert.deepEqual(await worker.run('remove', makeNetns('family').handle, change), { ok: true, changed: [] })
})

function missingFrom({ addresses }: Survey): readonly string[] {
  const there = new Set(addresses.map(({ address }) => address))
  return STANDING.filter((one) => !there.has(one))
}
