import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Requirement } from '../../../src/core/settings/label-selector.ts'
import {
  type Audience,
  istioEntries,
  matchingEntries,
  ownAmbientEntries,
  sluiceEntries,
} from '../../../src/core/decision/selectors.ts'

const DEFAULT: Audience = { revision: 'default', isDefault: true, namespacesByDefault: false }
const values = {
  injection: [undefined, 'enabled', 'disabled'],
  revision: [undefined, 'default', 'canary'],
  inject: [undefined, 'true', 'false', 'yes'],
  dataplane: [undefined, 'ambient', 'none'],
  mode: [undefined, 'auto', 'none'],
}

function labels(given: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

/** Every combination of the labels that any entry looks at. */
function* combinations(): Generator<{ namespace: Record<string, string>; pod: Record<string, string> }> {
  for (const injection of values.injection)
    for (const nsRevision of values.revision)
      for (const nsDataplane of values.dataplane)
        for (const nsMode of values.mode)
          for (const inject of values.inject)
            for (const revision of values.revision)
              for (const dataplane of values.dataplane)
                for (const mode of values.mode)
                  yield {
                    namespace: labels({
                      'istio-injection': injection,
                      'istio.io/rev': nsRevision,
                      'istio.io/dataplane-mode': nsDataplane,
                      'sluice-mesh.io/mode': nsMode,
                    }),
                    pod: labels({
                      'sidecar.istio.io/inject': inject,
                      'istio.io/rev': revision,
                      'istio.io/dataplane-mode': dataplane,
                      'sluice-mesh.io/mode': mode,
                    }),
                  }
}

for (const audience of [
  DEFAULT,
  { ...DEFAULT, namespacesByDefault: true },
  { revision: 'canary', isDefault: false, namespacesByDefault: false },
])
  test(`no pod is asked about by two entries of one installation (${JSON.stringify(audience)})`, () => {
    const entries = [...istioEntries(audience), ...sluiceEntries(audience)]
    let asked = 0
    for (const pair of combinations()) {
      const matching = matchingEntries(entries, pair)
      assert.ok(matching.length <= 1, `${JSON.stringify(pair)}: ${matching.map((entry) => entry.name).join(', ')}`)
      asked += matching.length
    }
    assert.ok(asked > 100, `${asked} pods were asked about: the table did not look`)
  })

for (const audience of [DEFAULT, { ...DEFAULT, namespacesByDefault: true }])
  test(`whoever wishes for a mode, or for ambient, is asked about, unless the pod refuses or names another revision (${JSON.stringify(audience)})`, () => {
    const entries = [...istioEntries(audience), ...sluiceEntries(audience)]
    for (const pair of combinations()) {
      const wished = 'sluice-mesh.io/mode' in pair.namespace || 'sluice-mesh.io/mode' in pair.pod
      const ambient =
        pair.namespace['istio.io/dataplane-mode'] === 'ambient' || pair.pod['istio.io/dataplane-mode'] === 'ambient'
      const elsewhere =
        (pair.namespace['istio.io/rev'] ?? 'default') !== 'default' ||
        (pair.pod['istio.io/rev'] ?? 'default') !== 'default'
      if (elsewhere || !(wished || ambient) || pair.pod['sidecar.istio.io/inject'] === 'false') continue
      assert.equal(matchingEntries(entries, pair).length, 1, JSON.stringify(pair))
    }
  })

for (const audience of [DEFAULT, { ...DEFAULT, namespacesByDefault: true }])
  test(`selectors of one's own for ambient ask about whoever is not asked about yet, and nobody twice (${JSON.stringify(audience)})`, () => {
    const others = [...istioEntries(audience), ...sluiceEntries(audience)]
    const own = ownAmbientEntries(audience, [{ pod: [], namespace: [] }])
    let asked = 0
    for (const pair of combinations()) {
      const matching = matchingEntries([...others, ...own], pair)
      assert.ok(matching.length <= 1, `${JSON.stringify(pair)}: ${matching.map((entry) => entry.name).join(', ')}`)
      if (own.some((entry) => matching.includes(entry))) asked++
      const elsewhere = [pair.namespace, pair.pod].some((one) => (one['istio.io/rev'] ?? 'default') !== 'default')
      const isWished = 'sluice-mesh.io/mode' in pair.pod
      if (!elsewhere && !isWished && pair.pod['sidecar.istio.io/inject'] !== 'false')
        assert.equal(matching.length, 1, JSON.stringify(pair))
    }
    assert.ok(asked > 100, `${asked} pods were asked about by the own selectors`)
  })

test('a pair asks by all of its conditions, and who came in by one is passed over by the next', () => {
  const team: Requirement = { key: 'team', operator: 'In', values: ['a'] }
  const zone: Requirement = { key: 'zone', operator: 'Exists', values: [] }
  const own = ownAmbientEntries(DEFAULT, [
    { pod: [team], namespace: [zone] },
    { pod: [], namespace: [zone] },
  ])
  const asking = (pod: Record<string, string>, namespace: Record<string, string>): readonly string[] =>
    matchingEntries(own, { pod, namespace }).map(({ name }) => name)
  assert.deepEqual(asking({ team: 'a' }, { zone: '' }), ['ambient.own-0', 'ambient.own-1'])
  assert.deepEqual(asking({ team: 'a', 'istio.io/dataplane-mode': 'ambient' }, { zone: '' }), [])
  assert.deepEqual(asking({ team: 'b' }, { zone: '', 'istio-injection': 'disabled' }), ['ambient.own-1.off'])
  assert.deepEqual(asking({ team: 'a' }, {}), [])
  assert.deepEqual(ownAmbientEntries({ revision: 'canary', isDefault: false, namespacesByDefault: false }, []), [])
})

test("Istio's own table of selections holds for each of its configurations", () => {
  const [head = '', ...rows] = readFileSync('test/goldens/selection.tsv', 'utf8').trim().split('\n')
  const columns = head.split('\t')
  let seen = 0
  for (const line of rows) {
    const row = Object.fromEntries(line.split('\t').map((value, index) => [columns[index] ?? '', value]))
    const present = (column: string): string | undefined => (row[column] === '-' ? undefined : row[column])
    const pair = {
      namespace: labels({
        'istio-injection': present('ns:istio-injection'),
        'istio.io/rev': present('ns:istio.io/rev'),
        'kubernetes.io/metadata.name': row['namespace'],
      }),
      pod: labels({
        'sidecar.istio.io/inject': present('pod:sidecar.istio.io/inject'),
        'istio.io/rev': present('pod:istio.io/rev'),
      }),
    }
    const configurations = {
      'istio-sidecar-injector': { ...DEFAULT, namespacesByDefault: row['enableNamespacesByDefault'] === 'true' },
      'istio-sidecar-injector-canary': { revision: 'canary', isDefault: false, namespacesByDefault: false },
      'istio-revision-tag-stable': { revision: 'stable', isDefault: false, namespacesByDefault: false },
    }
    const matching = Object.entries(configurations).flatMap(([name, audience]) =>
      matchingEntries(istioEntries(audience), pair).map((entry) => `${name}/${entry.name}.sidecar-injector.istio.io`),
    )
    assert.deepEqual(matching, row['webhook'] === '-' ? [] : [row['webhook']], line)
    seen += 1
  }
  assert.ok(seen > 300, `${seen} rows`)
})
