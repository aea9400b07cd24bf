import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Facts } from '../../../src/core/decision/facts.ts'
import { outcomeOf } from '../../../src/core/explain/outcome-of.ts'
import { containersOf } from '../../../src/core/json/pod.ts'
import { isList, type JsonObject, objectOr, objectsOf, stringOr } from '../../../src/core/json/value.ts'
import { factsOf } from '../../goldens/sets/injection-admit.ts'
import { jsonFiles } from '../../goldens/sets/json-files.ts'

const PLACE = join(import.meta.dirname, '../../goldens/injection')
const GOLDENS = jsonFiles(PLACE)
  .map(({ golden }) => golden)
  .filter((golden) => golden['kind'] === 'pod')

function inMode(golden: JsonObject, agent: boolean): Facts {
  const facts = factsOf(golden, objectOr(golden['pod']))
  return {
    ...facts,
    coverage: { ...facts.coverage, cni: facts.coverage.ambient, installed: { agent, ztunnel: false } },
  }
}

interface Rights {
  readonly name: string
  readonly added: readonly string[]
  readonly privileged: boolean
}

/** What the containers hold that are new to the pod, or were changed by the injection. */
function rightsOf(pod: JsonObject, original: JsonObject): readonly Rights[] {
  const before = new Set(containersOf(original).map(({ name }) => name))
  return containersOf(pod)
    .filter(({ name }) => !before.has(name) || name === 'istio-proxy' || name === 'istio-init')
    .map(({ name, container }) => {
      const security = objectOr(container['securityContext'])
      const added = objectOr(security['capabilities'])['add']
      return {
        name,
        added: isList(added) ? added.map((one) => stringOr(one) ?? '') : [],
        privileged: security['privileged'] === true,
      }
    })
}

/** Why the proxy may hold NET_ADMIN: TPROXY needs it for its sockets, tracing of rules for the kernel's log. */
function proxyNeedsIt(pod: JsonObject, golden: JsonObject): boolean {
  const proxy = containersOf(pod).find(({ name }) => name === 'istio-proxy')?.container
  const value = (name: string): unknown => objectsOf(proxy?.['env']).find((one) => one['name'] === name)?.['value']
  const isPrivileged = objectOr(objectOr(objectOr(golden['values'])['global'])['proxy'])['privileged'] === true
  return (
    isPrivileged || value('ISTIO_META_INTERCEPTION_MODE') === 'TPROXY' || value('IPTABLES_TRACE_LOGGING') === 'true'
  )
}

test('NET_ADMIN is counted wherever an injection grants it, and granted nowhere else, in every golden case and mode', () => {
  const seen = { none: 0, init: 0, proxy: 0 }
  for (const golden of GOLDENS)
    for (const agent of [true, false]) {
      const facts = inMode(golden, agent)
      const { decision, pod, netAdmin } = outcomeOf(facts)
      if (decision.is !== 'meshed') continue
      const where = `${stringOr(golden['name']) ?? ''} ${decision.mode}`
      const holders = rightsOf(pod, facts.pod).filter(
        ({ added, privileged }) => privileged || added.includes('NET_ADMIN'),
      )
      const already = new Set(
        containersOf(facts.pod)
          // an istio-init that is there is an injector's, and counts each time
          .filter(({ name, container }) => name !== 'istio-init' && JSON.stringify(container).includes('NET_ADMIN'))
          .map(({ name }) => name),
      )
      assert.deepEqual(
        netAdmin.map(({ container }) => container).toSorted(),
        holders
          .map(({ name }) => name)
          .filter((name) => !already.has(name))
          .toSorted(),
        where,
      )
      for (const { name, added } of holders) {
        if (name === 'istio-init') assert.deepEqual(added, ['NET_ADMIN', 'NET_RAW'], where)
        else assert.ok(proxyNeedsIt(pod, golden), `${where}: ${name}`)
        if (name === 'istio-init' && decision.mode === 'cni') assert.fail(`${where}: istio-init`)
      }
      if (holders.length === 0) seen.none++
      if (holders.some(({ name }) => name === 'istio-init')) seen.init++
      if (holders.some(({ name }) => name === 'istio-proxy')) seen.proxy++
    }
  assert.ok(seen.none > 150 && seen.init > 150 && seen.proxy > 10, JSON.stringify(seen))
})
