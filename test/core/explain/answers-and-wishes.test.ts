import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Facts } from '../../../src/core/decision/facts.ts'
import { outcomeOf } from '../../../src/core/explain/outcome-of.ts'
import { annotationsOf, labelsOf } from '../../../src/core/json/pod.ts'
import { parseJson } from '../../../src/core/json/parse.ts'
import { objectOr } from '../../../src/core/json/value.ts'
import { WISHES } from '../../../src/core/vocabulary/modes.ts'
import { ANSWER_ANNOTATIONS, SLUICE_LABELS } from '../../../src/core/vocabulary/names.ts'
import { factsOf } from '../../goldens/sets/injection-admit.ts'

/** The wish is the user's and the answer is Sluice's, whichever pod comes: neither is ever taken for the other. */

const PLACE = join(import.meta.dirname, '../../goldens/injection')
const CASES: readonly Facts[] = readdirSync(PLACE)
  .filter((file) => file.endsWith('.json'))
  .map((file) => objectOr(parseJson(readFileSync(join(PLACE, file), 'utf8'))))
  .filter((golden) => golden['kind'] === 'pod')
  .map((golden) => factsOf(golden, objectOr(golden['pod'])))

function withMetadata(facts: Facts, key: 'labels' | 'annotations', more: Readonly<Record<string, string>>): Facts {
  const metadata = objectOr(facts.pod['metadata'])
  return {
    ...facts,
    pod: { ...facts.pod, metadata: { ...metadata, [key]: { ...objectOr(metadata[key]), ...more } } },
  }
}

test('no decision rests on an answer that the request brings: whatever it says, each golden case comes out as without it', () => {
  assert.ok(CASES.length > 50)
  for (const facts of CASES) {
    const { decision, pod } = outcomeOf(facts)
    for (const decided of ['none', 'cni', 'ambient', 'init']) {
      const forged = {
        [ANSWER_ANNOTATIONS.decided]: decided,
        [ANSWER_ANNOTATIONS.reason]: 'cni_first',
        [ANSWER_ANNOTATIONS.intent]: '{"v":1,"kind":"ambient"}',
      }
      const again = outcomeOf(withMetadata(facts, 'annotations', forged))
      assert.deepEqual(again.decision, decision)
      // a refused pod is not made, and is told of as it came
      if (decision.is !== 'refused') assert.deepEqual({ ...annotationsOf(again.pod) }, { ...annotationsOf(pod) })
    }
  }
})

test('no wish is ever written: a pod leaves each golden case with the one that it came with, or with none', () => {
  let meshed = 0
  for (const facts of CASES) {
    assert.equal(labelsOf(outcomeOf(facts).pod)[SLUICE_LABELS.mode], labelsOf(facts.pod)[SLUICE_LABELS.mode])
    for (const wish of WISHES) {
      const { decision, pod } = outcomeOf(withMetadata(facts, 'labels', { [SLUICE_LABELS.mode]: wish }))
      assert.equal(labelsOf(pod)[SLUICE_LABELS.mode], wish)
      if (decision.is === 'meshed') meshed++
    }
  }
  assert.ok(meshed > CASES.length)
})
