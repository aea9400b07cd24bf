import { type Connection, inClusterConnection } from '../../edge/cluster/connection.ts'
import { type CommandIo, CommandFailure, type FlagRow, type FlagValues } from './command.ts'
import { reasonOf } from './input.ts'

/** Which cluster; kubectl's own flags. */
export const CLUSTER_FLAGS: readonly FlagRow[] = [
  {
    name: 'kubeconfig',
    value: 'FILE',
    help: 'how to reach the API server; without it the service account of the pod, else where kubectl looks',
  },
  { name: 'context', value: 'NAME', help: 'the context of the kubeconfig; its current one if not given' },
]

/** A connection with the namespace that is meant where none is named. */
type NamedConnection = Connection & { readonly namespace: string }

/** The API server that the flags mean. Throws CommandFailure where there is none. */
export async function connect(flags: FlagValues, { env }: CommandIo): Promise<NamedConnection> {
  const { kubeconfig: file, context } = flags
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env
  if (file === undefined && context === undefined && host !== undefined && port !== undefined)
    return { ...inClusterConnection({ host, port }), namespace: 'default' }
  const { kubeconfigConnection } = await import('../../edge/cluster/kubeconfig.ts')
  try {
    return await kubeconfigConnection({ file, context })
  } catch (error) {
    throw new CommandFailure(
      `no cluster by ${file ?? 'the usual kubeconfig'}: ${reasonOf(error).split('\n', 1)[0] ?? ''}`,
      { cause: error },
    )
  }
}
