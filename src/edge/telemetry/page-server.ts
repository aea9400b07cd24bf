import type { AddressInfo } from 'node:net'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { messageOf } from '../message-of.ts'

// not by `import`: that makes every export of the module, a client of the web among them, which holds five MiB
const { createServer } = process.getBuiltinModule('node:http')

/** An address to listen on; port 0 takes any that is free. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** Where a server listens. */
export function addressOf(app: { readonly server: { address(): AddressInfo | string | null } }): AddressInfo {
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new Error('the server listens on an IP address')
  return address
}

/** What is shown at one path. */
export interface Page {
  readonly status: number
  readonly type: string
  readonly text: string
}

/** Makes a page anew for each request; the names of the query are all that a request says. */
export type PageMaker = (query: URLSearchParams) => Page | Promise<Page>

/** A few pages that are only read. */
export interface PageServer {
  /** Resolves when it listens; throws where the address is taken. */
  readonly listen: (endpoint: Endpoint) => Promise<AddressInfo>
  /** Waits for what is in flight. Safe to call twice, and before it listens. */
  readonly close: () => Promise<void>
}

/** Whoever asks has all of its question ready. */
const REQUEST_MS = 10_000
/** More than there are kubelets and scrapers; whoever comes beyond it is turned away. */
const CONNECTIONS = 64

/**
 * Serves `pages` by their paths on a port of its own: whoever scrapes needs no way to anything else. It is a plain server since a
 * framework for two pages is a tenth of what a node's agent may hold.
 */
export function pageServer(pages: Readonly<Record<string, PageMaker>>): PageServer {
  const byPath = new Map(Object.entries(pages))
  const timeouts = { headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS }
  const server = createServer(timeouts, (request, response) => void answer(byPath, request, response))
  server.maxConnections = CONNECTIONS
  return {
    listen: async (endpoint) => {
      const { promise, resolve, reject } = Promise.withResolvers<undefined>()
      server.once('error', reject)
      server.listen({ ...endpoint }, () => resolve(undefined))
      await promise
      server.off('error', reject)
      return addressOf({ server })
    },
    close: async () => {
      if (server.listening) await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(
  pages: ReadonlyMap<string, PageMaker>,
  { method, url = '/' }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = '', query] = url.split('?', 2)
  const make = method === 'GET' ? pages.get(path) : undefined
  const { status, type, text } = make === undefined ? NOT_FOUND : await made(make, new URLSearchParams(query))
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) }).end(text)
}

const NOT_FOUND: Page = { status: 404, type: 'text/plain', text: 'there is no such page\n' }

/** A page that cannot be made is told to whoever asked, and ends nothing else. */
async function made(make: PageMaker, query: URLSearchParams): Promise<Page> {
  try {
    return await make(query)
  } catch (error) {
    const why = messageOf(error)
    return { status: 500, type: 'text/plain', text: `this page cannot be made: ${why}\n` }
  }
}
