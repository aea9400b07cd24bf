import { present, readTable } from '../goldens/sets/tsv.ts'

export type Labels = Readonly<Record<string, string>>

/** Labels of a namespace and of a pod in it. */
export interface LabelPair {
  readonly namespace: Labels
  readonly pod: Labels
}

/** The labels of Istio's own table of selections, each combination once. */
export function istioPairs(): readonly LabelPair[] {
  const pairs = readTable('test/goldens/selection.tsv').map((row) => ({
    namespace: present({ 'istio-injection': row['ns:istio-injection'], 'istio.io/rev': row['ns:istio.io/rev'] }),
    pod: present({
      'sidecar.istio.io/inject': row['pod:sidecar.istio.io/inject'],
      'istio.io/rev': row['pod:istio.io/rev'],
    }),
  }))
  return [...new Map(pairs.map((pair) => [JSON.stringify(pair), pair])).values()]
}

/** A spread over all the labels that any entry looks at: each value of each label meets many of the others. */
export function sluicePairs(): readonly LabelPair[] {
  const values = {
    'ns istio-injection': [undefined, 'enabled', 'disabled'],
    'ns istio.io/rev': [undefined, 'default', 'canary'],
    'ns istio.io/dataplane-mode': [undefined, 'ambient', 'none'],
    'ns sluice-mesh.io/mode': [undefined, 'auto', 'none'],
    'pod sidecar.istio.io/inject': [undefined, 'true', 'false'],
    'pod istio.io/rev': [undefined, 'default', 'canary'],
    'pod istio.io/dataplane-mode': [undefined, 'ambient', 'none'],
    'pod sluice-mesh.io/mode': [undefined, 'auto', 'none'],
  }
  const all = Object.entries(values).reduce<readonly Labels[]>(
    (soFar, [key, choices]) => soFar.flatMap((labels) => choices.map((value) => present({ ...labels, [key]: value }))),
    [{}],
  )
  const of = (labels: Labels, where: string): Labels =>
    Object.fromEntries(
      Object.entries(labels).flatMap(([key, value]) =>
        key.startsWith(`${where} `) ? [[key.slice(where.length + 1), value]] : [],
      ),
    )
  // 37 is prime to 3, so that every value of every label comes up
  return all
    .filter((_, index) => index % 37 === 0)
    .map((labels) => ({ namespace: of(labels, 'ns'), pod: of(labels, 'pod') }))
}
