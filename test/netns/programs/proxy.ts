/**
 * What ztunnel does inside a pod's namespace, in small (cni.md §5.10, §6.4): it listens where rules lead to, and carries what comes
 * to where it was going, by sockets that bear its mark. A line ahead of the bytes tells a server that asks for it who carried them.
 */
import { closeSync, openSync } from 'node:fs'
import { createServer, type Server, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSocket, type Socket as Datagrams } from 'node:dgram'
import { insideNetns, OWN_NETNS } from '../../../src/edge/host/namespaces.ts'
import { dialError, originalDestination, startDial, startListening, waitFor } from '../../../src/edge/host/sockets.ts'

const MARK = 0x539
const ROOT = { uid: 0, gid: 0 }
const home = openSync(OWN_NETNS, 'r')

/** The proxy of one pod. It owns the descriptor of the namespace. */
export class PodProxy {
  readonly #netns: number
  readonly #refused: string | undefined
  readonly #servers: readonly Server[]
  readonly #dns: readonly Datagrams[]
  readonly #connections = new Set<Socket>()

  /** `refused`: from there nothing comes in but by HBONE, as in a mesh that wants mutual TLS */
  constructor(netns: number, refused?: string) {
    this.#netns = netns
    this.#refused = refused
    const listeners = insideNetns(netns, home, () =>
      ([15001, 15006, 15008, 15053] as const).flatMap((port) =>
        ([4, 6] as const).map((family) => ({ port, family, fd: startListening(family, 'tcp', port, ROOT) })),
      ),
    )
    this.#servers = listeners.map(({ port, family, fd }) =>
      createServer((socket) => void this.#carry(socket, port, family)).listen({ fd }),
    )
    this.#dns = ([4, 6] as const).map((family) => {
      const socket = createSocket(family === 4 ? 'udp4' : 'udp6')
      socket.on('message', (_, from) => socket.send('{"server":"ztunnel"}', from.port, from.address))
      socket.bind({ fd: insideNetns(netns, home, () => startListening(family, 'udp', 15053, ROOT)) })
      return socket
    })
  }

  async #carry(from: Socket, port: number, family: 4 | 6): Promise<void> {
    this.#connections.add(from)
    from.on('error', () => from.destroy()).on('close', () => this.#connections.delete(from))
    const { fd } = (from as unknown as { readonly _handle: { readonly fd: number } })._handle
    if (port === 15006 && from.remoteAddress === this.#refused) return void from.resetAndDestroy()
    const to = port === 15008 || port === 15053 ? null : originalDestination(fd, family)
    const onward = to === null ? null : await this.#dial(to)
    if (onward === null) return void from.destroy()
    this.#connections.add(onward)
    onward.on('error', () => from.destroy()).on('close', () => this.#connections.delete(onward))
    onward.write(`PROXY ztunnel ${port}\n`)
    from.pipe(onward).pipe(from)
  }

  async #dial(to: { readonly address: string; readonly port: number }): Promise<Socket | null> {
    let fd: number
    try {
      fd = insideNetns(this.#netns, home, () => startDial(to, { ...ROOT, mark: MARK }, 2))
    } catch {
      return null
    }
    for (let waited = 0; waitFor([{ fd, dials: true }], 0)[0] !== true && waited < 3000; waited += 5) await sleep(5)
    if (waitFor([{ fd, dials: true }], 0)[0] !== true || dialError(fd) !== null) {
      closeSync(fd)
      return null
    }
    return new Socket({ fd })
  }

  /** At once, as ztunnel does for a pod that is deleted: connections end, too. */
  close(): void {
    for (const server of this.#servers) server.close()
    for (const socket of this.#dns) socket.close()
    for (const connection of this.#connections) connection.destroy()
    closeSync(this.#netns)
  }
}
