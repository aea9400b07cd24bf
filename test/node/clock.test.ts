import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { debs } from '../../scripts/debs.ts'
import { apply, inNamespace, kubectl, makeNamespace, ready, run, waitFor, write } from './cluster.ts'
import { gauge, dialInside, get, remembered } from './containers.ts'
import { AGENT, changedAgent, istioPod, meshPod, SLUICE } from './workloads.ts'

/**
 * A wall clock that jumps, of the agent on a real node: no namespace has a CLOCK_REALTIME of its own, so libfaketime answers for it,
 * and the monotonic clock stays as it is. The API server's certificate is valid at every time that is tried.
 */
const SHOP = 'clock'
const OFFSET = '/run/sluice/clock-offset'
const EVERYWHERE = '203.0.113.5:80'
const REDIRECTED = `outbound was asked for ${EVERYWHERE}`
const HOURS = 3600
const JUMPS = [20, -20, 0] as const

const libraries = join(debs('faketime', ['libfaketime']), 'usr/lib')
const triplet = readdirSync(libraries).find((name) => name.endsWith('-linux-gnu')) ?? ''

before(async () => {
  await write(OFFSET, '+0')
  const env = {
    LD_PRELOAD: '/faketime/libfaketime.so.1',
    FAKETIME_TIMESTAMP_FILE: OFFSET,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    SLUICE_SWEEP_SECONDS: '5',
  }
  await apply(...changedAgent({ env, folder: { at: '/faketime', path: join(libraries, triplet, 'faketime') } }))
  await kubectl('-n', SLUICE, 'rollout', 'status', `daemonset/${AGENT}`, '--timeout=120s')
  await makeNamespace(SHOP)
})
after(async () => {
  await kubectl('delete', 'namespace', SHOP, '--wait=false')
  await apply(...changedAgent({}))
  await run('rm', '-f', OFFSET)
})

/** How far the clock of the agent is from that of the node, in hours, as the last line of its log says. */
async function hoursOff(): Promise<number> {
  const selector = `app.kubernetes.io/name=${AGENT}`
  const line = await kubectl('-n', SLUICE, 'logs', '-l', selector, '--tail=1', '--timestamps')
  const [, real = '', own = ''] = /^(\S+) .*"time":"([^"]+)"/.exec(line) ?? []
  return Math.round((Date.parse(own) - Date.parse(real)) / (HOURS * 1000)) + 0
}

/** For people. */
async function state(): Promise<string> {
  return await kubectl('-n', SLUICE, 'logs', '-l', `app.kubernetes.io/name=${AGENT}`, '--tail=40')
}

/** What the agent says of a pod in the API: the reason code. */
async function untilSaid(pod: string, reason: string): Promise<void> {
  const path = 'jsonpath={.status.conditions[?(@.type=="sluice-mesh.io/redirected")].reason}'
  const said = async (): Promise<string> => await kubectl('-n', SHOP, 'get', 'pod', pod, '-o', path)
  await waitFor(async () => (await said()) === reason, `${pod}: ${reason}`, state)
}

test('a clock that jumps by hours, ahead, back and right again, stops no watch, no heartbeat and no measurement', async () => {
  await apply(...inNamespace(SHOP, meshPod('there')))
  await untilSaid('there', 'redirection_seen')
  const { netnsPath } = await remembered('there')
  for (const [round, hours] of JUMPS.entries()) {
    await write(OFFSET, `${hours < 0 ? '' : '+'}${hours * HOURS}`)
    // only the watch tells what is to be redirected in this one
    const pod = `after-${round}`
    await apply(...inNamespace(SHOP, istioPod(pod)))
    await ready(SHOP, pod)
    assert.equal(await dialInside(pod, EVERYWHERE), REDIRECTED)
    await untilSaid(pod, 'redirection_seen')
    assert.equal(await hoursOff(), hours, 'the clock has jumped')
    // nothing but the slow round finds this
    await run('nsenter', `--net=${netnsPath}`, 'nft', 'flush', 'ruleset')
    for (const reason of ['redirection_restored', 'redirection_seen']) await untilSaid('there', reason)
    assert.equal(await dialInside('there', EVERYWHERE), REDIRECTED)
    assert.match(await get('http://127.0.0.1:8000/healthz'), /^200 /)
    assert.ok((await gauge('sluice_facts_age_seconds')) < 120)
    assert.ok((await gauge('sluice_oldest_proof_seconds')) < 120)
    assert.notEqual(await gauge('sluice_alarms{reason="pods_unknown"}'), 1)
  }
})
