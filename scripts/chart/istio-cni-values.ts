/** What takes the place of values that istio-cni's chart has and this one has not, by their name there. */
const INSTEAD: Readonly<Record<string, string>> = {
  provider: 'cni.chained=false or global.platform=openshift is for Multus',
  repair: 'running pods are always repaired, and policy.repair says what is evicted',
  env: 'cni.extraArgs has the flags of sluice agent',
  'ambient.ipv6': 'a pod that has an IPv6 address always gets rules for it',
  'ambient.reconcileIptablesOnStartup': 'rules of running pods are always compared when the agent starts',
  'ambient.shareHostNetworkNamespace': 'the agent is always on the network of the node',
  'ambient.enableAmbientDetectionRetry': 'a pod that nothing is known of is always refused and tried again',
}

/** Values that both charts have, which istio-cni's takes on the top level, too. */
const NAMESAKES = [
  ...['ambient', 'chained', 'cniBinDir', 'cniConfDir', 'cniConfFileName', 'cniNetnsDir', 'excludeNamespaces'],
  ...['istioOwnedCNIConfig', 'istioOwnedCNIConfigFileName', 'resourceQuotas'],
]

/** A value that is refused, and by which words. */
interface Refusal {
  readonly path: readonly string[]
  readonly instead: string
}

/** Every value of istio-cni that the chart refuses with what to do: a schema alone would say only that it is none. */
export const ISTIO_CNI_REFUSALS: readonly Refusal[] = [
  ...Object.entries(INSTEAD).map(([name, instead]) => ({ path: ['cni', ...name.split('.')], instead })),
  ...Object.entries(INSTEAD)
    .filter(([name]) => !name.includes('.'))
    .map(([name, instead]) => ({ path: [name], instead })),
  ...NAMESAKES.map((name) => ({ path: [name], instead: `write it as cni.${name}` })),
]

/** The chart's schema with the names that its templates refuse: helm asks the schema first. */
export function withRefused(schema: Schema): Schema {
  return ISTIO_CNI_REFUSALS.reduce((whole, { path }) => withName(whole, path), schema)
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
}

function withName(schema: Schema, [name = '', ...rest]: readonly string[]): Schema {
  const inner = rest.length === 0 ? REFUSED : withName(schema.properties?.[name] ?? {}, rest)
  return { ...schema, properties: { ...schema.properties, [name]: inner } }
}

const REFUSED: Schema & { readonly description: string } = { description: 'of istio-cni: refused, with what to do' }
