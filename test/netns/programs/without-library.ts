/** argv: path of a namespace, folder of the programs. Prints what a worker does whose libnftables is not there. */
import type { RuleTexts } from '../../../src/edge/host/apply.ts'
import { openNetns } from '../../../src/edge/host/namespaces.ts'
import { NetnsWorker } from '../../../src/edge/host/netns-worker.ts'

const [path = '', directory = ''] = process.argv.slice(2)
const programs = { directory, env: process.env as Readonly<Record<string, string>> }
await using worker = await NetnsWorker.start({ libnftables: '/nowhere/libnftables.so.1', programs })
using netns = openNetns(path)
const apply = (backend: 'libnftables' | 'nft'): Promise<unknown> => {
  const rules: RuleTexts = { backend, text: 'add table inet t\n' }
  return worker.run('apply', netns, { rules, network: [] })
}
console.log(JSON.stringify([worker.libnftables, await apply('libnftables'), await apply('nft')]))
