/** argv: path of a namespace, libnftables, how many pods. Keeps a namespace for each, as for ztunnel, and prints what making rules says. */
import { setAside } from '../../../src/edge/host/descriptors.ts'
import { openNetns } from '../../../src/edge/host/namespaces.ts'
import { NetnsWorker } from '../../../src/edge/host/netns-worker.ts'

const [path = '', libnftables = '', pods = ''] = process.argv.slice(2)
const programs = { directory: '/nowhere/', env: {} }
await using worker = await NetnsWorker.start({ libnftables, programs })
using netns = openNetns(path)
for (let kept = 0; kept < Number(pods); kept++) setAside(netns.fd)
const rules = { backend: 'libnftables', text: 'add table inet t\n' } as const
console.log(JSON.stringify(await worker.run('apply', netns, { rules, network: [] })))
