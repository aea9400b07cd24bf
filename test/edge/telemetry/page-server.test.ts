import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { checksPage } from '../../../src/edge/telemetry/health.ts'
import { type PageMaker, type PageServer, pageServer } from '../../../src/edge/telemetry/page-server.ts'

const ANYWHERE = { host: '127.0.0.1', port: 0 }
const HELLO: PageMaker = (query) => ({
  status: 203,
  type: 'text/x-hello',
  text: `hello ${query.get('name') ?? 'you'}\n`,
})

/** What is answered at `target`, from a server that is gone afterwards. */
async function answerTo(pages: Readonly<Record<string, PageMaker>>, target: string, method = 'GET'): Promise<Response> {
  const server = pageServer(pages)
  const { port } = await server.listen(ANYWHERE)
  const answer = await fetch(`http://127.0.0.1:${port}${target}`, { method })
  const whole = new Response(await answer.text(), answer)
  await server.close()
  return whole
}

test('a page is made for each request, with what its query says', async () => {
  const answer = await answerTo({ '/hello': HELLO }, '/hello?name=w%C3%B6rld')
  assert.equal(answer.status, 203)
  assert.equal(answer.headers.get('content-type'), 'text/x-hello')
  assert.equal(await answer.text(), 'hello wörld\n')
})

test('what is no page, or is not asked to be read, is not found', async () => {
  for (const [target, method] of [
    ['/', 'GET'],
    ['/hello/', 'GET'],
    ['/toString', 'GET'],
    ['/hello', 'POST'],
  ] as const)
    assert.equal((await answerTo({ '/hello': HELLO }, target, method)).status, 404, `${method} ${target}`)
})

test('a page that cannot be made is an answer, and the next one is made', async () => {
  const pages = {
    '/bad': () => {
      throw new Error('no ink')
    },
    '/worse': async () => await Promise.reject(new Error('no paper')),
  }
  for (const [target, why] of [
    ['/bad', 'no ink'],
    ['/worse', 'no paper'],
  ] as const) {
    const answer = await answerTo(pages, target)
    assert.equal(answer.status, 500)
    assert.match(await answer.text(), new RegExp(why))
  }
})

test('checks are good unless one has failed; then, or asked for, each one says how it is', async () => {
  const [good, alarm, failed] = (['ok', 'alarm', 'failed'] as const).map((is) => ({ name: is, is, detail: 'so it is' }))
  assert.ok(good !== undefined && alarm !== undefined && failed !== undefined)
  const pages = { '/good': [good, alarm], '/bad': [good, failed] } as const
  const shown = Object.entries(pages).map(([path, checks]) => [
    path,
    (query: URLSearchParams) => checksPage(checks, query),
  ])
  const show = async (target: string): Promise<string> => {
    const answer = await answerTo(Object.fromEntries(shown) as Record<string, PageMaker>, target)
    return `${answer.status} ${await answer.text()}`
  }
  assert.equal(await show('/good'), '200 ok\n')
  assert.equal(await show('/good?verbose'), '200 [+]ok ok: so it is\n[!]alarm alarm: so it is\nok\n')
  assert.equal(await show('/bad'), '503 [+]ok ok: so it is\n[-]failed failed: so it is\nnot ok\n')
})

test('an address that is taken is an error of who listens, and closing is safe at any time', async () => {
  const [first, second]: [PageServer, PageServer] = [pageServer({ '/hello': HELLO }), pageServer({})]
  const { port }: AddressInfo = await first.listen(ANYWHERE)
  await assert.rejects(second.listen({ ...ANYWHERE, port }), { code: 'EADDRINUSE' })
  await second.close()
  // a connection that is kept alive does not hold up the end
  await (await fetch(`http://127.0.0.1:${port}/hello`)).text()
  await first.close()
  await first.close()
  await assert.rejects(fetch(`http://127.0.0.1:${port}/hello`))
})
