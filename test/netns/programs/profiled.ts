/** argv: path of a namespace, how often. Applies rules in it, and prints what failed. */
import { netnsTools } from '../../../scripts/netns-tools.ts'
import { openNetns } from '../../../src/edge/host/namespaces.ts'
import { NetnsWorker } from '../../../src/edge/host/netns-worker.ts'

const [, , path = '', times] = process.argv
const tools = netnsTools()
const programs = { directory: tools.programs, env: tools.env }
await using worker = await NetnsWorker.start({ libnftables: tools.libnftables, programs })
using netns = openNetns(path)
const text = 'add table inet t\nadd chain inet t c\n'
const failed: string[] = []
for (let i = 0; i < Number(times); i++) {
  const ran = await worker.run('nft', netns, { backend: 'libnftables', text })
  if (!ran.ok) failed.push(ran.error)
}
console.log(JSON.stringify(failed))
