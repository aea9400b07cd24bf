/** The decision and the injection by themselves, in this process: no HTTP, no log. */
import { AdmissionMemo } from '../src/app/webhook/admission-memo.ts'
import { admit, textOf } from '../src/app/webhook/admit.ts'
import { type Answer, answerOf } from '../src/app/webhook/answer.ts'
import { DEFAULT_INSTALLATION } from '../src/app/webhook/options.ts'
import { worldOf } from '../src/app/webhook/world.ts'
import type { Facts } from '../src/core/decision/facts.ts'
import { outcomeOf } from '../src/core/explain/outcome-of.ts'
import { stringify } from '../src/core/json/parse.ts'
import { largeCluster } from './server/large-cluster.ts'
import { another, reviewBody, type ReviewName, REVIEWS } from './server/reviews.ts'
import type { Figure } from './support/figure.ts'
import { report } from './support/report.ts'
import { cpuOf } from './support/usage.ts'

const small = worldOf(largeCluster(100, 0), DEFAULT_INSTALLATION)
const large = worldOf(largeCluster(5_000, 10_000), DEFAULT_INSTALLATION)

const RUNS: Readonly<Record<ReviewName, number>> = { '2.6 KB': 1_000, '64 KB': 300, '1 MB': 30, '2,000 env': 30 }
const names = Object.keys(REVIEWS) as readonly ReviewName[]

report([
  ...names.map((name) => injection(name)),
  decision('100 nodes', small),
  decision('5,000 nodes, 10,000 namespaces', large),
  knownShape(),
])

function injection(name: ReviewName): Figure {
  const facts = factsOf(name)
  const value = cpuOf(() => outcomeOf(facts), { runs: RUNS[name] })
  const goal = name === '2,000 env' ? '<= 1' : null
  return { name: `decision and injection, ${name}: CPU`, value, unit: 'ms', goal }
}

/** From the bytes of the review to the answer. */
function decision(of: string, world: typeof small): Figure {
  const body = Buffer.from(reviewBody('2.6 KB'))
  const value = cpuOf(() => stringify(admit({ path: '/inject', text: textOf(body) }, world, work).response), {
    runs: 1_000,
  })
  return { name: `review to answer, ${of}: CPU`, value, unit: 'ms', goal: null }
}

/** The same where another pod of the ReplicaSet came before. */
function knownShape(): Figure {
  const body = reviewBody('2.6 KB')
  const bodies = Array.from({ length: 100 }, (_, number) => Buffer.from(another(body, number, 'same')))
  const memo = new AdmissionMemo()
  let number = 0
  const next = (): string => {
    const call = { path: '/inject', text: textOf(bodies[number++ % bodies.length] ?? Buffer.alloc(0)) }
    return memo.of(call, large, () => admit(call, large, work)).text
  }
  const value = cpuOf(next, { runs: 1_000 })
  return { name: 'review to answer, a pod like an earlier one: CPU', value, unit: 'ms', goal: null }
}

function work(facts: Facts): Answer {
  return answerOf(facts, outcomeOf)
}

function factsOf(name: ReviewName): Facts {
  let seen: Facts | undefined
  admit({ path: '/inject', text: reviewBody(name) }, small, (facts) => {
    seen = facts
    return work(facts)
  })
  if (seen === undefined) throw new Error(`the review of ${name} asked for no decision`)
  return seen
}
