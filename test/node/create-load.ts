/** `create-load.ts NAMESPACE COUNT`: creates so many pods as dry runs, some at once, and prints what became of them as JSON. */
import { createClient } from '../../src/edge/cluster/client.ts'
import { kubeconfigConnection } from '../../src/edge/cluster/kubeconfig.ts'

const [namespace = '', count = '0'] = process.argv.slice(2)
const CALLERS = 8
const client = createClient(await kubeconfigConnection({ file: process.env['KUBECONFIG'] }), { timeoutMs: 30_000 })
const modes: Record<string, number> = {}
const problems: string[] = []
let left = Number(count)

async function caller(): Promise<void> {
  while (left-- > 0)
    try {
      // passes the whole of admission and keeps nothing
      const made = await client.tryCreate(
        { resource: { group: '', version: 'v1', plural: 'pods' }, namespace },
        {
          ...{ apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'load-' } },
          spec: { containers: [{ name: 'app', image: 'test.local/box:1' }] },
        },
      )
      const { annotations = {} } = made['metadata'] as { readonly annotations?: Readonly<Record<string, string>> }
      const mode = annotations['sluice-mesh.io/decided'] ?? 'missed'
      modes[mode] = (modes[mode] ?? 0) + 1
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error))
    }
}

await Promise.all(Array.from({ length: CALLERS }, caller))
process.stdout.write(JSON.stringify({ modes, problems: problems.slice(0, 5), failed: problems.length }))
