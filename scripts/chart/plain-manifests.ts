import { renderChart } from './helm.ts'

/** A file for those who use no helm. */
export interface PlainManifest {
  readonly path: string
  readonly says: string
  readonly args: readonly string[]
  /** objects that the chart does not have, since helm makes them */
  readonly before: string
}

const NAMESPACE = 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: sluice-system\n'

export const PLAIN_MANIFESTS: readonly PlainManifest[] = [
  { path: 'manifests/sluice.yaml', says: 'everything, with the default values', args: [], before: NAMESPACE },
  {
    path: 'manifests/strict.yaml',
    says: 'the policy of profile strict, to apply after sluice.yaml',
    args: ['--set', 'profile=strict', '--show-only', 'templates/policy.yaml'],
    before: '',
  },
]

/** Labels that only say who rendered: whoever applies the file is not helm. */
const BY_HELM = /^ *(app\.kubernetes\.io\/managed-by: Helm|helm\.sh\/chart: \S+)\n/gm

/** The text of the file. Throws with helm's words where the chart cannot be rendered. */
export function plainManifest({ says, args, before }: PlainManifest): string {
  const { ok, text } = renderChart(args)
  if (!ok) throw new Error(`helm cannot render the chart: ${text}`)
  return `# ${says}; made by \`npm run render\` from manifests/chart\n${before}${text.replaceAll(BY_HELM, '')}`
}
