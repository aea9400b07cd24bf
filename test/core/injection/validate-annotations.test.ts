import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inject } from '../../../src/core/injection/inject.ts'
import { problemsOfAnnotations } from '../../../src/core/injection/validate-annotations.ts'
import { ANNOTATIONS } from '../../../src/core/vocabulary/annotations.ts'
import { GRAMMARS } from '../../../src/core/vocabulary/grammars.ts'
import { contextOf, podOf } from './injection-fixture.ts'

const GOOD: Readonly<Record<string, readonly string[]>> = {
  goBoolean: ['1', 't', 'TRUE', 'False'],
  interceptionMode: ['REDIRECT', 'TPROXY', 'NONE'],
  quantity: ['100m', '.5', '5.', '+1', '-1', '1e3', '1E', '12Ki'],
  uint32: ['0', '01', '4294967295'],
  port: ['0', ' 80 ', '65535'],
  ports: ['', '80', ' 80 , 81 '],
  portsOrStar: ['*', '', '80,8080'],
  cidrs: ['', '10.0.0.1/8', 'fd00::/8', '::/0', '::ffff:10.0.0.0/104', '1:2:3:4:5:6:7::/112', '::1/128'],
  cidrsOrStar: ['*', '10.0.0.0/8,192.168.0.0/16'],
  interfaces: ['', 'eth0', 'eth0, net_1.2-a'],
}
const BAD: Readonly<Record<string, readonly string[]>> = {
  goBoolean: ['', 'yes', 'tRUE', 'constructor'],
  interceptionMode: ['redirect', ' NONE', ''],
  quantity: ['', '1 ', '1\n', 'abc', '1gb', '1e', '--1', '.'],
  uint32: ['', '-1', '+1', ' 1', '1.5', '0x1', '4294967296'],
  port: ['', '8o', '-1', '+5', '65536', '1 2'],
  ports: ['*', '80,', '80-90', '65536', ',', '80;81'],
  portsOrStar: ['*,80', '80,'],
  cidrs: [
    '*',
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.0/8, 1.0.0.0/8',
    '010.0.0.0/8',
    '10.0.0.0/08',
    ',',
    '1.2.3/8',
    '1::2::3/8',
    '1:2:3:4:5:6:7:8:9/8',
    'fd00::/129',
    '::1.2.3.4:5/8',
    'fe80::1%eth0/64',
    '10.0.0.0/8/8',
  ],
  cidrsOrStar: ['*,10.0.0.0/8'],
  interfaces: ['eth0,', '0eth', 'eth0;x', 'averyveryverylongname'],
}

for (const [grammar, values] of Object.entries(GOOD))
  test(`the grammar ${grammar} accepts what Istio accepts`, () => {
    for (const value of values)
      assert.ok(GRAMMARS[grammar as keyof typeof GRAMMARS].accepts(value), JSON.stringify(value))
  })

for (const [grammar, values] of Object.entries(BAD))
  test(`the grammar ${grammar} refuses what Istio refuses`, () => {
    for (const value of values)
      assert.ok(!GRAMMARS[grammar as keyof typeof GRAMMARS].accepts(value), JSON.stringify(value))
  })

test('each grammar of a checked annotation has cases here', () => {
  const checked = Object.values(ANNOTATIONS).filter((row) => row.otherwise === 'refused')
  const grammars = new Set<string>(checked.map((row) => row.grammar))
  grammars.delete('proxyConfig')
  assert.deepEqual(
    [...grammars].filter((name) => !Object.hasOwn(GOOD, name) || !Object.hasOwn(BAD, name)),
    [],
  )
})

test('all bad annotations are named at once, sorted, with their value and what is allowed', () => {
  const annotations = {
    'traffic.sidecar.istio.io/excludeInterfaces': 'eth0;rm',
    'sidecar.istio.io/interceptionMode': 'none',
    'traffic.sidecar.istio.io/includeOutboundPorts': 'not checked',
    'proxy.istio.io/config': 'drainDuration: 500ms\nstatusPort: 1',
  }
  assert.deepEqual(problemsOfAnnotations(podOf({ annotations })), [
    'proxy.istio.io/config is "drainDuration: 500ms statusPort: 1" but must be a ProxyConfig in YAML or JSON: drainDuration: must be a number of seconds such as 45s or 1.5s, not "500ms"',
    'sidecar.istio.io/interceptionMode is "none" but must be REDIRECT, TPROXY or NONE',
    'traffic.sidecar.istio.io/excludeInterfaces is "eth0;rm" but must be empty or names of network interfaces separated by commas, each of 15 characters at most, such as eth0,net1',
  ])
})

test('a pod with a bad annotation is refused', () => {
  const refusal = inject(podOf({ annotations: { 'sidecar.istio.io/proxyCPU': 'x' } }), contextOf())
  assert.equal(refusal.is === 'refused' && refusal.reason.code, 'annotation_invalid')
})

const HOSTILE = [
  '['.repeat(100_000),
  `{a: &a [x], b: [${'*a,'.repeat(200)}]}`,
  '\u0000',
  '!!js/function "x"',
  `a: ${'x'.repeat(200_000)}`,
]

for (const [index, text] of HOSTILE.entries())
  test(`hostile YAML ${index} ends in a short answer, not in a crash`, () => {
    const problems = problemsOfAnnotations(podOf({ annotations: { 'proxy.istio.io/config': text } }))
    for (const problem of problems) assert.ok(problem.length < 1000, problem.slice(0, 200))
  })
