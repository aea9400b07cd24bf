import { renderChart } from './helm.ts'

/** A file for those who use no helm. */
export interface PlainManifest {
  readonly path: string
  readonly says: string
  readonly args: readonly string[]
}

export const PLAIN_MANIFESTS: readonly PlainManifest[] = [
  { path: 'manifests/sluice.yaml', says: 'everything, with the default values', args: [] },
  { path: 'manifests/sluice-strict.yaml', says: 'everything, profile strict', args: ['--set', 'profile=strict'] },
]

/** Labels that only say who rendered: whoever applies the file is not helm. */
const BY_HELM = /^ *(app\.kubernetes\.io\/managed-by: Helm|helm\.sh\/chart: \S+)\n/gm

/** The text of the file. Throws with helm's words where the chart cannot be rendered. */
export function plainManifest({ says, args }: PlainManifest): string {
  const { ok, text } = renderChart(args)
  if (!ok) throw new Error(`helm cannot render the chart: ${text}`)
  const head = `# ${says}; made by \`npm run render\` from manifests/chart\n`
  return `${head}apiVersion: v1\nkind: Namespace\nmetadata:\n  name: sluice-system\n${text.replaceAll(BY_HELM, '')}`
}
