/** `find-netns.ts ADDRESS UID…`: looks for the namespaces of pods as an agent does, and prints for each its path or why it was not found. */
import { NetnsFinder } from '../../../src/app/agent/netns-finder.ts'
import { address } from '../../../src/core/intent/grammar.ts'
import { openNetns } from '../../../src/edge/host/namespaces.ts'
import { NetnsWorker } from '../../../src/edge/host/netns-worker.ts'

const [text = '', ...uids] = process.argv.slice(2)
await using worker = await NetnsWorker.start({ libnftables: null, programs: { directory: '', env: {} } })
using host = openNetns('/proc/self/ns/net')
const finder = new NetnsFinder({
  worker,
  host,
  proc: '/proc',
  netnsDir: '/run/netns',
  journal: { get: () => undefined },
})
for (const uid of uids) {
  const found = await finder.find({ uid, addresses: [address.parse(text)] })
  process.stdout.write(`${found.is === 'found' ? found.path : JSON.stringify(found.reason)}\n`)
}
