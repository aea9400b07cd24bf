import { injectorVerdict } from '../../../src/core/decision/eligibility.ts'
import { type Audience, istioEntries, matchingEntries } from '../../../src/core/decision/selectors.ts'
import type { Json } from '../../../src/core/json/value.ts'
import { parseMeshSettings } from '../../../src/core/settings/parse-mesh-settings.ts'
import { jsonDifferences } from '../comparison/differences.ts'
import type { GoldenSet } from '../golden-set.ts'
import { present, readTable, type Row } from './tsv.ts'

/** Labels and settings to the webhook entry that is asked, who injects, and why. One row a case. */
export const SELECTION: GoldenSet = {
  name: 'selection',
  place: 'selection.tsv',
  cases: (place) =>
    readTable(place).map((row) => {
      const { webhook, injectedBy, reason, ...given } = row
      return {
        name: `selection ${Object.values(given)
          .map((value) => value ?? '-')
          .join(' ')}`,
        expected: { webhook: webhook ?? '-', injectedBy: injectedBy ?? '-', reason: reason ?? '-' },
        actual: () => select(row),
      }
    }),
  differences: (expected, actual) => jsonDifferences(expected, actual),
}

/** The three configurations that the table has at once, and whose injector answers for each. */
function configurations(
  row: Row,
): readonly { readonly name: string; readonly injector: string; readonly audience: Audience }[] {
  const namespacesByDefault = row['enableNamespacesByDefault'] === 'true'
  const other = { isDefault: false, namespacesByDefault: false }
  return [
    {
      name: 'istio-sidecar-injector',
      injector: 'default',
      audience: { revision: 'default', isDefault: true, namespacesByDefault },
    },
    { name: 'istio-sidecar-injector-canary', injector: 'canary', audience: { revision: 'canary', ...other } },
    { name: 'istio-revision-tag-stable', injector: 'canary', audience: { revision: 'stable', ...other } },
  ]
}

function select(row: Row): Json {
  const namespace = row['namespace'] ?? ''
  const labels = {
    namespace: present({
      'kubernetes.io/metadata.name': namespace,
      'istio-injection': row['ns:istio-injection'],
      'istio.io/rev': row['ns:istio.io/rev'],
    }),
    pod: present({
      app: 'x',
      'sidecar.istio.io/inject': row['pod:sidecar.istio.io/inject'],
      'istio.io/rev': row['pod:istio.io/rev'],
    }),
  }
  const asked = configurations(row).flatMap(({ name, injector, audience }) =>
    matchingEntries(istioEntries(audience), labels).map((entry) => ({
      name: `${name}/${entry.name}.sidecar-injector.istio.io`,
      injector,
    })),
  )
  const [first] = asked
  if (first === undefined) return { webhook: '-', injectedBy: '-', reason: 'no-webhook' }
  const verdict = injectorVerdict({
    pod: {
      metadata: {
        labels: labels.pod,
        annotations: present({ 'sidecar.istio.io/inject': row['annotation:sidecar.istio.io/inject'] }),
      },
      spec: { hostNetwork: row['hostNetwork'] === 'true' },
    },
    namespace: { name: namespace, labels: labels.namespace, annotations: {} },
    settings: parseMeshSettings({ config: JSON.stringify(injectorConfig(row)) }),
  })
  const reason = verdict.injects ? verdict.because : verdict.reason.code
  return {
    webhook: asked.map(({ name }) => name).join(' '),
    injectedBy: verdict.injects ? first.injector : '-',
    reason: reason.replaceAll('_', '-'),
  }
}

function injectorConfig(row: Row): Json {
  const selector = (matches: string | undefined): Json => [{ matchLabels: { app: matches === 'yes' ? 'x' : 'y' } }]
  return {
    policy: row['policy'] ?? '',
    neverInjectSelector: selector(row['neverSelectorMatches']),
    alwaysInjectSelector: selector(row['alwaysSelectorMatches']),
  }
}
