/** argv: path of a namespace, libnftables, a pipe that nobody writes to. The library blocks when it opens the pipe. */
import { openNetns } from '../../../src/edge/host/namespaces.ts'
import { NetnsWorker } from '../../../src/edge/host/netns-worker.ts'

const [path = '', libnftables = '', pipe = ''] = process.argv.slice(2)
const worker = await NetnsWorker.start({ libnftables, programs: { directory: '', env: {} }, hangAfterMs: 100 })
using netns = openNetns(path)
await worker.run('apply', netns, { rules: { backend: 'libnftables', text: `include "${pipe}"\n` }, network: [] })
