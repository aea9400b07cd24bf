import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { enforcedLevel } from '../../../../src/core/decision/pod-security/level.ts'
import { violations, violationsAdded } from '../../../../src/core/decision/pod-security/violations.ts'
import type { JsonObject } from '../../../../src/core/json/value.ts'
import type { PodSecurityLevel } from '../../../../src/core/vocabulary/pod-security-levels.ts'
import { DEFAULT_POLICY } from '../../../../src/core/settings/policy.ts'

interface StandardCase {
  readonly name: string
  readonly level: PodSecurityLevel
  /** the check that forbids the pod; null where none does */
  readonly forbiddenBy: string | null
  readonly pod: JsonObject
}

const { cases } = JSON.parse(readFileSync(new URL('standards.json', import.meta.url), 'utf8')) as {
  readonly cases: readonly StandardCase[]
}

/** The restricted level has a stricter check in the place of these. */
const REPLACED: Readonly<Record<string, string>> = {
  capabilities_baseline: 'capabilities_restricted',
  hostPathVolumes: 'restrictedVolumes',
  seccompProfile_baseline: 'seccompProfile_restricted',
}

test("the pods that Kubernetes' own tests admit are admitted, and those that they forbid are forbidden by the same check", () => {
  assert.ok(cases.length > 125, `only ${cases.length} cases were read`)
  for (const { name, level, forbiddenBy, pod } of cases) {
    const checks = new Set(violations(pod, level).map(({ check }) => check))
    if (forbiddenBy === null) assert.deepEqual([...checks], [], `${level} ${name}`)
    else
      assert.ok(
        checks.has(level === 'restricted' ? (REPLACED[forbiddenBy] ?? forbiddenBy) : forbiddenBy),
        `${level} ${name}`,
      )
  }
})

test('nothing is forbidden at the level privileged', () => {
  for (const { pod, name } of cases) assert.deepEqual(violations(pod, 'privileged'), [], name)
})

const app: JsonObject = { name: 'app' }
const netAdmin: JsonObject = {
  name: 'istio-init',
  securityContext: { capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] } },
}
const podOf = (spec: JsonObject): JsonObject => ({ metadata: {}, spec })

test('what a pod violates by itself is not added by the mesh', () => {
  const before = podOf({ containers: [app] })
  assert.notDeepEqual(violations(before, 'restricted'), [])
  assert.deepEqual(violationsAdded(before, before, 'restricted'), [])
})

test('what is added is named by check and container', () => {
  const added = violationsAdded(
    podOf({ containers: [app] }),
    podOf({ containers: [app], initContainers: [netAdmin] }),
    'baseline',
  )
  assert.deepEqual(added, [
    { check: 'capabilities_baseline', subject: 'container istio-init', detail: 'capabilities.add=NET_ADMIN' },
  ])
})

test('a volume without a source counts as the emptyDir that the API server makes of it', () => {
  assert.deepEqual(violations(podOf({ volumes: [{ name: 'workload-socket' }] }), 'restricted'), [])
})

const ENFORCE = 'pod-security.kubernetes.io/enforce'
const LEVELS: readonly (readonly [
  name: string,
  labels: Record<string, string>,
  podSecurity: Partial<(typeof DEFAULT_POLICY)['podSecurity']>,
  want: PodSecurityLevel,
])[] = [
  ['the label of the namespace counts', { [ENFORCE]: 'baseline' }, { defaultLevel: 'restricted' }, 'baseline'],
  ['without a label the policy tells the default level', {}, { defaultLevel: 'baseline' }, 'baseline'],
  ['a label that is no level counts as restricted', { [ENFORCE]: 'basline' }, {}, 'restricted'],
  ['an exempt namespace enforces nothing', { [ENFORCE]: 'restricted' }, { exemptNamespaces: ['shop'] }, 'privileged'],
  [
    'an exempt runtime class enforces nothing',
    { [ENFORCE]: 'restricted' },
    { exemptRuntimeClasses: ['kata'] },
    'privileged',
  ],
]

for (const [name, labels, podSecurity, want] of LEVELS)
  test(name, () => {
    const policy = { ...DEFAULT_POLICY, podSecurity: { ...DEFAULT_POLICY.podSecurity, ...podSecurity } }
    const namespace = { name: 'shop', labels, annotations: {} }
    assert.equal(enforcedLevel(podOf({ runtimeClassName: 'kata' }), namespace, policy), want)
  })
