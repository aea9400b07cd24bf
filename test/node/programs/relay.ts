/**
 * `relay.ts ADDRESS PORT TO`: passes TCP connections on to port TO of the same address. At SIGUSR2 every connection that is open
 * goes silent for good: nothing comes through and nothing is closed, as where a firewall forgets it. Later ones work.
 */
import { connect, createServer, type Socket } from 'node:net'

const [address = '', port = '', to = ''] = process.argv.slice(2)
const open = new Set<Socket>()

function join(one: Socket, other: Socket): void {
  open.add(one)
  one.on('close', () => {
    open.delete(one)
    other.destroy()
  })
  // whoever closes it says so; how it broke is of no interest
  one.on('error', () => undefined)
  one.pipe(other)
}

createServer((near) => {
  const far = connect(Number(to), address)
  join(near, far)
  join(far, near)
}).listen(Number(port), address)

process.on('SIGUSR2', () => {
  for (const socket of open) {
    socket.removeAllListeners('close').unpipe().pause()
    open.delete(socket)
  }
})
