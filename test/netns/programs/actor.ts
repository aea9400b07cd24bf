/**
 * A client and a server in one, run inside a namespace with some user's credentials and told what to do line by line. A
 * server answers every line `HELLO` with what it sees: its own name, both ends of the connection, and the PROXY lines that
 * came before, one for each proxy on the way.
 */
import { createSocket, type Socket as Datagrams } from 'node:dgram'
import { connect, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Order, Seen, Told } from '../actors.ts'

const GIVE_UP_MS = 3000
const [name = '', uid = '', gid = ''] = process.argv.slice(2)
// every socket carries the credentials that its maker has now
process.setgroups?.([])
process.setgid?.(Number(gid))
process.setuid?.(Number(uid))
const held = new Map<string, Socket>()

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, order } = JSON.parse(line) as { id: number; order: Order }
  void carryOut(order)
    .catch((error: unknown): Told => ({ failed: (error as NodeJS.ErrnoException).code ?? String(error) }))
    .then((told) => console.log(JSON.stringify({ id, told })))
})

function carryOut(order: Order): Promise<Told> {
  switch (order.do) {
    case 'serve':
      return order.over === 'tcp' ? serveTcp(order.address, order.port) : serveUdp(order.address, order.port)
    case 'dial':
      return order.over === 'tcp' ? dialTcp(order) : dialUdp(order.address, order.port)
    case 'again':
      return again(order.hold)
  }
}

function serveTcp(host: string, port: number): Promise<Told> {
  const server = createServer((socket) => {
    const proxies: string[] = []
    const ends = {
      remote: end(socket.remoteAddress, socket.remotePort),
      local: end(socket.localAddress, socket.localPort),
    }
    socket.on('error', () => socket.destroy())
    const lines = createInterface({ input: socket })
    lines.on('error', () => lines.close())
    lines.on('line', (line) => {
      if (line !== 'HELLO') return void proxies.push(line)
      socket.write(`${JSON.stringify({ server: name, ...ends, proxies } satisfies Seen)}\n`)
    })
  })
  return settled((done, failed) =>
    server.on('error', failed).listen({ host, port, ipv6Only: true }, () => done({ done: true })),
  )
}

function serveUdp(address: string, port: number): Promise<Told> {
  const socket = datagrams(address)
  socket.on('message', (_, from) => {
    const seen: Seen = { server: name, remote: end(from.address, from.port), local: end(address, port), proxies: [] }
    socket.send(JSON.stringify(seen), from.port, from.address)
  })
  return settled((done, failed) => socket.on('error', failed).bind({ port, address }, () => done({ done: true })))
}

function dialTcp(order: Extract<Order, { do: 'dial' }>): Promise<Told> {
  const socket = connect({ host: order.address, port: order.port })
  if (order.hold !== undefined) held.set(order.hold, socket)
  return ask(socket).finally(() => order.hold === undefined && socket.destroy())
}

function again(hold: string): Promise<Told> {
  const socket = held.get(hold)
  return socket === undefined ? Promise.reject(new Error(`no connection ${hold}`)) : ask(socket)
}

function ask(socket: Socket): Promise<Told> {
  return settled((done, failed) => {
    let text = ''
    const heard = (chunk: Buffer): void => {
      text += chunk.toString()
      if (!text.endsWith('\n')) return
      socket.off('data', heard)
      done({ seen: JSON.parse(text) as Seen, from: end(socket.localAddress, socket.localPort) })
    }
    socket.on('data', heard)
    socket.once('error', failed)
    socket.once('close', () => failed(new Error('closed')))
    socket.write('HELLO\n')
  })
}

function dialUdp(address: string, port: number): Promise<Told> {
  const socket = datagrams(address)
  return settled((done, failed) => {
    socket.on('error', failed)
    // a connected socket takes an answer from nobody but the one it asked
    socket.connect(port, address, () => {
      const own = socket.address()
      socket.on('message', (text) =>
        done({ seen: JSON.parse(text.toString()) as Seen, from: end(own.address, own.port) }),
      )
      socket.send('HELLO')
    })
  }).finally(() => socket.close())
}

function datagrams(address: string): Datagrams {
  return createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', ipv6Only: address.includes(':') })
}

function settled(work: (done: (told: Told) => void, failed: (error: Error) => void) => unknown): Promise<Told> {
  return new Promise<Told>((done, failed) => {
    const timer = setTimeout(() => failed(new Error('silence')), GIVE_UP_MS)
    work(
      (told) => {
        clearTimeout(timer)
        done(told)
      },
      (error) => {
        clearTimeout(timer)
        failed(error)
      },
    )
  })
}

function end(address: string | undefined, port: number | undefined): string {
  const bare = address?.replace(/^::ffff:/, '') ?? ''
  return bare.includes(':') ? `[${bare}]:${port ?? 0}` : `${bare}:${port ?? 0}`
}
