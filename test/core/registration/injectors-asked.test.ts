import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { objectOr, objectsOf } from '../../../src/core/json/value.ts'
import { injectorsAsked, registered } from '../../../src/core/registration/injectors-asked.ts'
import { sentence } from '../../../src/core/vocabulary/reasons.ts'
import { AUDIENCE, ISTIO, OURS } from './webhooks-fixture.ts'

type Labels = Readonly<Record<string, string>>

const RULES = [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }]

/** Our configuration with something added to every entry, as platforms do. */
function ours(change: (webhook: JsonObject) => JsonObject): JsonObject {
  return { ...OURS, webhooks: objectsOf(OURS['webhooks']).map(change) }
}
const excludes = (key: string): JsonObject =>
  ours((webhook) => {
    const expressions = objectsOf(objectOr(webhook['namespaceSelector'])['matchExpressions'])
    return {
      ...webhook,
      namespaceSelector: { matchExpressions: [...expressions, { key, operator: 'DoesNotExist' }] },
    }
  })

/** `asks: entries | why: code | finds: codes` */
function inShort(configurations: readonly JsonObject[], namespace: Labels, pod: Labels = {}): string {
  const labels = { namespace: { 'kubernetes.io/metadata.name': 'shop', ...namespace }, pod }
  const asked = injectorsAsked(configurations, labels)
  const { whyNot, findings } = registered(asked, labels, AUDIENCE)
  const asks = asked.flatMap(({ entry, verdict }) => (verdict.is === 'asks' ? [entry] : []))
  return `${asks.join(',')} | ${whyNot.map(({ code }) => code).join(',')} | ${findings.map(({ code }) => code).join(',')}`
}

const ENABLED = { 'istio-injection': 'enabled' }
const TABLE: readonly (readonly [name: string, said: string, want: string])[] = [
  ['our entry is asked', inShort([OURS], ENABLED), 'namespace.sluice-mesh.io |  | '],
  ['nothing asks for the mesh', inShort([OURS], {}), ' | not_asked | '],
  ['no entry of ours exists', inShort([], ENABLED), ' | webhook_not_registered | '],
  [
    'another injector is asked in the place of ours',
    inShort([ISTIO], ENABLED),
    'namespace.sidecar-injector.istio.io | webhook_not_registered | other_injector_asks',
  ],
  [
    'two injectors are asked',
    inShort([ISTIO, OURS], ENABLED),
    'namespace.sidecar-injector.istio.io,namespace.sluice-mesh.io |  | second_injector',
  ],
  [
    'the platform leaves out namespaces by a label of its own',
    inShort([excludes('control-plane')], { ...ENABLED, 'control-plane': 'x' }),
    ' | webhook_excludes_label | ',
  ],
  [
    'a namespace without that label is asked about',
    inShort([excludes('control-plane')], ENABLED),
    'namespace.sluice-mesh.io |  | ',
  ],
  [
    'an entry that was narrowed to another label of the mesh',
    inShort([excludes('istio-injection')], ENABLED),
    ' | webhook_does_not_ask | ',
  ],
  [
    'conditions in CEL are not guessed at',
    inShort([ours((webhook) => ({ ...webhook, matchConditions: [{ name: 'x', expression: 'true' }] }))], ENABLED),
    ' |  | webhook_condition_unknown',
  ],
  [
    'a selector that cannot be read is not guessed at',
    inShort(
      [ours((webhook) => ({ ...webhook, objectSelector: 'all' })).valueOf() as JsonObject].map((one) => ({
        ...one,
        webhooks: objectsOf(one['webhooks']).slice(0, 1),
      })),
      ENABLED,
    ),
    ' |  | webhook_selector_unreadable',
  ],
  [
    'entries about other objects, and other webhooks, do not count',
    inShort(
      [
        ours((webhook) => ({ ...webhook, rules: [{ ...RULES[0], resources: ['pods/status'] }] })),
        { metadata: { name: 'other' }, webhooks: [{ name: 'a.example.com', rules: RULES }] },
      ],
      ENABLED,
    ),
    ' | webhook_not_registered | ',
  ],
]

for (const [name, said, want] of TABLE)
  test(`who is asked about a pod: ${name}`, () => {
    assert.equal(said, want)
  })

test('a foreign condition is named with the label that it met', () => {
  const labels = {
    namespace: { ...ENABLED, 'control-plane': 'x', 'kubernetes.io/metadata.name': 'shop' },
    pod: {},
  }
  const asked = injectorsAsked([excludes('control-plane')], labels)
  const [reason] = registered(asked, labels, AUDIENCE).whyNot
  assert.ok(reason !== undefined)
  assert.match(
    sentence(reason),
    /namespace\.sluice-mesh\.io leaves the pod out .* namespaceSelector wants no label control-plane, and there is control-plane=x on the namespace/,
  )
})
