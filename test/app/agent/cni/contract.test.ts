import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Compile } from 'typebox/schema'
import { encodeAnswer } from '../../../../src/app/agent/cni/answer.ts'
import { readRequest } from '../../../../src/app/agent/cni/request.ts'
import { nodeAnswer } from '../../../../src/core/intent/node-answer.ts'
import { remedy, sentence } from '../../../../src/core/vocabulary/reasons.ts'

/** The examples that the plugin's own tests read too (plugin/contract_test.go). */
const CONTRACT = new URL('../../../../contract/', import.meta.url)
const read = (file: string): string => readFileSync(new URL(file, CONTRACT), 'utf8')
const json = (file: string): unknown => JSON.parse(read(file))

for (const message of ['request', 'answer'])
  test(`every example of a ${message} is as its schema says, and one without its version is not`, () => {
    const validator = Compile(json(`${message}.schema.json`) as object)
    const files = readdirSync(new URL('examples', CONTRACT)).filter((file) => file.startsWith(`${message}-`))
    assert.ok(files.length > 1)
    for (const file of files) {
      const example = json(`examples/${file}`) as Record<string, unknown>
      assert.ok(validator.Check(example), file)
      assert.ok(!validator.Check({ ...example, version: 2 }), file)
    }
  })

test('the agent reads what the plugin sends', () => {
  const add = readRequest(read('examples/request-add.json'))
  assert.ok(add.is === 'request', JSON.stringify(add))
  const { pod, addresses, annotations, netns } = add.request
  assert.deepEqual(pod, { namespace: 'shop', name: 'web-0', uid: '0b52d42c-8a0f-4c3e-9a64-3a0fb6c0c001' })
  assert.deepEqual(addresses, ['10.244.0.7'])
  assert.equal(annotations?.['sluice-mesh.io/decided'], 'cni')
  assert.match(netns, /^\/var\/run\/netns\//)
  const check = readRequest(read('examples/request-check.json'))
  assert.ok(check.is === 'request' && check.request.annotations === null)
  const gc = readRequest(read('examples/request-gc.json'))
  assert.ok(gc.is === 'request')
  assert.deepEqual(gc.request.validContainers, ['c9f5bd4f3e9b4a0b8d1c'])
  const del = readRequest(read('examples/request-del.json'))
  assert.ok(del.is === 'request' && del.request.netns === '')
})

test('the addresses of a result are read in every version', () => {
  const sent = (prevResult: unknown): readonly string[] => {
    const request = json('examples/request-add.json') as { config: object }
    const text = JSON.stringify({ ...request, config: { ...request.config, prevResult } })
    const one = readRequest(text)
    return one.is === 'request' ? one.request.addresses : []
  }
  const old = { ip4: { ip: '10.0.0.2/24' }, ip6: { ip: 'fd00::2/64' } }
  assert.deepEqual(sent({ cniVersion: '0.2.0', ...old }), ['10.0.0.2', 'fd00::2'])
  assert.deepEqual(sent({ cniVersion: '0.4.0', ips: [{ version: '4', address: '10.0.0.2/24' }] }), ['10.0.0.2'])
  assert.deepEqual(sent(undefined), [])
})

test('the answers of the agent are the examples', () => {
  const reason = { code: 'pod_not_known_yet', args: {} } as const
  assert.deepEqual(JSON.parse(encodeAnswer({ is: 'refused', reason })), json('examples/answer-refused.json'))
  const passed = encodeAnswer({ is: 'passed', reason: { code: 'proxy_absent', args: {} } })
  assert.deepEqual(JSON.parse(passed), json('examples/answer-passed.json'))
})

test('what the plugin says by itself stands in the table of reasons', () => {
  const reason = { code: 'agent_away', args: {} } as const
  const { msg, details } = json('examples/agent-away.json') as { msg: string; details: string }
  assert.deepEqual([msg, details], [`sluice: ${reason.code}: ${sentence(reason)}`, remedy(reason)])
})

interface Promised {
  readonly name: string
  readonly namespace: string
  readonly annotations: Readonly<Record<string, string>> | null
  readonly passes: boolean
}

test('an agent that knows nothing lets the same pods pass as the plugin does with no agent', () => {
  const cases = json('examples/promises.json') as readonly Promised[]
  assert.ok(cases.length > 10)
  const nothing = { pod: null, namespaceLabels: null, isCurrent: false, ambient: true }
  for (const { name, namespace, annotations, passes } of cases) {
    const answer = nodeAnswer({ namespace, annotations }, { ...nothing, excludedNamespaces: ['kube-system'] })
    assert.equal(answer.is === 'pass', passes, name)
  }
})
