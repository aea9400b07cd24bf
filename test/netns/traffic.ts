import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Intent } from '../../src/core/intent/intent.ts'
import { address } from '../../src/core/intent/grammar.ts'
import type { Backend as CoreBackend, Script } from '../../src/core/redirection/backend.ts'
import { IPTABLES } from '../../src/core/redirection/iptables.ts'
import type { RuleModel } from '../../src/core/redirection/model.ts'
import { networkOf } from '../../src/core/redirection/network.ts'
import { NFTABLES } from '../../src/core/redirection/nftables.ts'
import { rulesOf } from '../../src/core/redirection/rules-of.ts'
import { PROBE_SOURCE, PROXY_PORTS } from '../../src/core/vocabulary/ports.ts'
import type { Dump, RuleTexts } from '../../src/edge/host/apply.ts'
import type { NetnsWorker } from '../../src/edge/host/netns-worker.ts'
import type { Told } from './actors.ts'
import { ADDRESS, type Family, type Place, type Scene, type Who } from './scene.ts'

/** One promise: who sends what, where it ends up under the rules of `intent`, and where it would without them. */
export interface Row<I extends Intent> {
  readonly promise: string
  readonly who: Who
  readonly to: readonly [Place, number]
  readonly over?: 'tcp' | 'udp'
  readonly families?: readonly Family[]
  /** what differs from the usual intent of the table */
  readonly intent?: Partial<I>
  /**
   * Who answers, and the proxy's listeners on the way: `peer`, `peer via outbound`, `app via outbound, inbound`; `nobody` where
   * it fails. A source follows with `from`, where it is promised: `app via inbound from peer`.
   */
  readonly sees: string
  /** the negative: where it ends up with another intent or (null) with no rules at all, or where the same of another does */
  readonly otherwise: Otherwise<I>
}

type Otherwise<I> =
  { readonly intent: Partial<I> | null; readonly sees: string } | { readonly who: Who; readonly sees: string }

/** The two languages of rules, each by a program that is everywhere. */
const WAYS = ['libnftables', 'iptables-nft'] as const
type WayName = (typeof WAYS)[number]

const FAMILIES: readonly Family[] = [4, 6]

/** What a node knows that all tables share. */
const FACTS = {
  network: { families: FAMILIES, resolvers: null },
  ambient: {
    dnsCapture: false,
    probeSource: { 4: address.parse(PROBE_SOURCE.v4), 6: address.parse(PROBE_SOURCE.v6) },
  },
}

/** Tests every row in both families, by both backends: the promise and its negative. */
export function testTraffic<I extends Intent>(
  worker: NetnsWorker,
  scene: Scene,
  intentOf: (said: Partial<I>) => Intent,
  rows: readonly Row<I>[],
): void {
  const bare = rows.filter(({ otherwise }) => 'intent' in otherwise && otherwise.intent === null)
  test('without rules, traffic goes where it is sent', async () => {
    for (const row of bare) await expect(scene, row, row.otherwise.sees)
  })
  for (const way of WAYS) {
    const pod = new RuledPod(worker, scene, way)
    for (const row of rows)
      test(`${way}: ${row.promise}`, async () => {
        await pod.make(intentOf(row.intent ?? {}))
        await expect(scene, row, row.sees)
        const { otherwise } = row
        if ('who' in otherwise) await expect(scene, { ...row, ...otherwise }, otherwise.sees)
        else if (otherwise.intent !== null) {
          await pod.make(intentOf(otherwise.intent))
          await expect(scene, row, otherwise.sees)
        }
      })
    test(`${way}: nothing of the rules is left`, async () => {
      await pod.make(null)
      for (const row of bare.slice(0, 3)) await expect(scene, row, row.otherwise.sees)
    })
  }
}

/** The pod of a scene, whose rules change from row to row as a node would change them. */
export class RuledPod {
  readonly #worker: NetnsWorker
  readonly #scene: Scene
  readonly #way: WayName
  #has = ''

  constructor(worker: NetnsWorker, scene: Scene, way: WayName) {
    this.#worker = worker
    this.#scene = scene
    this.#way = way
  }

  /** Brings the pod from whatever it has to the rules of `intent`; null: none. */
  async make(intent: Intent | null): Promise<void> {
    const wanted = JSON.stringify(intent)
    if (wanted === this.#has) return
    const { handle } = this.#scene.pod
    const dump = await this.#worker.run('dump', handle, { backend: this.#way })
    assert.ok(dump.ok, dump.ok ? '' : dump.error)
    const model = intent === null ? null : rulesOf(intent, FACTS)
    const rules = textsFor(this.#way, model, dump)
    const network = intent === null ? [] : networkOf(intent, FAMILIES)
    const applied = await this.#worker.run('apply', handle, { rules, network })
    assert.ok(applied.ok, applied.ok ? '' : applied.error)
    this.#has = wanted
  }
}

function textsFor(way: WayName, model: RuleModel | null, dump: Extract<Dump, { ok: true }>): RuleTexts {
  if ('nft' in dump) {
    assert.equal(way, 'libnftables')
    return { backend: 'libnftables', text: next(NFTABLES, model, { of: 'nftables', text: dump.nft }).text }
  }
  assert.equal(way, 'iptables-nft')
  const { v4, v6 } = next(IPTABLES, model, { of: 'iptables', v4: dump.v4, v6: dump.v6 })
  return { backend: 'iptables-nft', texts: { v4, v6 } }
}

function next<S extends Script>(backend: CoreBackend<S>, model: RuleModel | null, dump: S): S {
  return model === null ? backend.remove(dump) : backend.replace(model, dump)
}

async function expect<I extends Intent>(scene: Scene, row: Row<I>, sees: string): Promise<void> {
  const { who, to, over = 'tcp', families = FAMILIES } = row
  const [place, port] = to
  for (const family of families) {
    const told = await scene.tell(who, { do: 'dial', over, address: ADDRESS[place][family], port })
    const seen = wayOf(told, family, sees.includes(' from '))
    assert.equal(seen, sees, `${who} to ${place}:${port}, IPv${family}: ${JSON.stringify(told)}`)
  }
}

/** In the words of a row: who answered, through which listeners, and (where asked) whose address the server saw. */
export function wayOf(told: Told, family: Family, withSource: boolean): string {
  if (!('seen' in told)) return 'nobody'
  const { server, proxies, remote } = told.seen
  // the proxy that is nearest to the server wrote the first line
  const listeners = proxies.map((line) => listenerOf(line, family)).toReversed()
  const via = listeners.length === 0 ? '' : ` via ${listeners.join(', ')}`
  return `${server}${via}${withSource ? ` from ${placeOf(remote, family)}` : ''}`
}

const PODS: readonly Place[] = ['pod', 'pod on net1', 'pod to vm']

/** Which listener passed a connection on: it tells where the connection was to go. */
function listenerOf(line: string, family: Family): 'dns' | 'inbound' | 'outbound' {
  const [, , , destination = '', , port = ''] = line.split(' ')
  if (Number(port) === PROXY_PORTS.dns) return 'dns'
  return PODS.some((place) => ADDRESS[place][family] === destination) ? 'inbound' : 'outbound'
}

function placeOf(endpoint: string, family: Family): string {
  const host = endpoint.replace(/:\d+$/, '').replace(/[[\]]/g, '')
  const found = Object.entries(ADDRESS).find(([, addresses]) => addresses[family] === host)
  return found?.[0] ?? host
}
