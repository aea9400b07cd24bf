import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { createNamespace, startApiServer } from '../../scripts/cluster/api-server.ts'
import { violations } from '../../src/core/decision/pod-security/violations.ts'
import { type JsonObject, objectOr } from '../../src/core/json/value.ts'

interface StandardCase {
  readonly name: string
  readonly pod: JsonObject
}

const { cases } = JSON.parse(
  readFileSync(new URL('../core/decision/pod-security/standards.json', import.meta.url), 'utf8'),
) as { readonly cases: readonly StandardCase[] }

const LEVELS = ['privileged', 'baseline', 'restricted'] as const

/**
 * What this version of the API server admits and Sluice counts as forbidden, since another version that it serves forbids
 * it: never the other way round, which would be a pod refused by the API server after Sluice chose its mode.
 */
const STRICTER: readonly string[] = [
  // with a user namespace of its own, a pod may now have any procMount
  'baseline procmount0',
  'baseline procmount1',
]

test("the API server's own Pod Security admission and Sluice's agree on every pod and level", async (t) => {
  const server = await startApiServer()
  t.after(server.stop)
  const stricter = new Set<string>()
  let [admitted, forbidden] = [0, 0]
  for (const level of LEVELS) {
    await createNamespace(server, level, { 'pod-security.kubernetes.io/enforce': level })
    const pods = cases.map(({ pod }, index) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...objectOr(pod['metadata']), name: `case-${index}`, namespace: level },
      spec: pod['spec'],
    }))
    const { stderr } = await server.kubectl(
      ['create', '--validate=ignore', '--dry-run=server', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: pods }),
    )
    const said = new Map(
      [...stderr.matchAll(/pods "(case-\d+)" is forbidden: (violates PodSecurity .*)/g)].map(([, name, words]) => [
        name,
        words,
      ]),
    )
    const other = stderr
      .split('\n')
      .filter((line) => line.startsWith('Error') && !line.includes('violates PodSecurity'))
    assert.deepEqual(other, [], 'nothing else was refused')
    cases.forEach(({ name, pod }, index) => {
      const words = said.get(`case-${index}`)
      const ours = violations(pod, level)
      if (words === undefined && ours.length > 0) stricter.add(`${level} ${name}`)
      else assert.equal(ours.length > 0, words !== undefined, `${level} ${name}: ${words ?? 'admitted'}`)
      if (words === undefined) admitted += 1
      else forbidden += 1
    })
  }
  assert.deepEqual([...stricter], STRICTER)
  assert.ok(admitted > 150 && forbidden > 100, `${admitted} admitted, ${forbidden} forbidden`)
})
