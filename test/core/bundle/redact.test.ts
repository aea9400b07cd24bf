import assert from 'node:assert/strict'
import { test } from 'node:test'
import { redact, redactText } from '../../../src/core/bundle/redact.ts'

const SECRET = 's3cr3t-value-of-ours'

for (const [name, text] of [
  ['a field of YAML', `  password: ${SECRET}`],
  ['a field of JSON', `{"clientSecret": "${SECRET}", "a": 1}`],
  ['a flag', `--api-key=${SECRET}`],
  ['an assignment', `AWS_SECRET_ACCESS_KEY=${SECRET}`],
  ['a header', `authorization: Bearer ${SECRET}`],
  ['the user of a URL', `https://admin:${SECRET}@host/x`],
  ['a token', `jwt eyJhbGciOi.${SECRET}.x`],
  [
    'a private key',
    ['-----BEGIN EC', 'PRIVATE KEY-----'].join(' ') + `\n${SECRET}\n` + ['-----END EC', 'PRIVATE KEY-----'].join(' '),
  ],
] as const)
  test(`no secret stays in a text: ${name}`, () => {
    const shown = redactText(`before\n${text}\nafter`)
    assert.ok(!shown.includes(SECRET), shown)
    assert.match(shown, /^before\n[\s\S]*REDACTED[\s\S]*\nafter$/)
  })

test('settings without secrets stay as they are', () => {
  const text = 'defaultConfig:\n  discoveryAddress: istiod.istio-system.svc:15012\nmode: auto\n'
  assert.equal(redactText(text), text)
})

test('of an object, no value of an environment variable is shown, and no copy of it in an annotation', () => {
  const object = {
    kind: 'Pod',
    metadata: {
      name: 'a',
      managedFields: [{}],
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': SECRET, kept: 'yes' },
    },
    spec: {
      containers: [
        {
          name: 'a',
          args: [`--token=${SECRET}`],
          env: [
            { name: 'PLAIN', value: SECRET },
            { name: 'REF', valueFrom: { secretKeyRef: { name: 'x', key: 'y' } } },
          ],
        },
      ],
    },
  }
  const shown = redact(object)
  assert.ok(!JSON.stringify(shown).includes(SECRET))
  assert.deepEqual(shown['metadata'], { name: 'a', annotations: { kept: 'yes' } })
  assert.match(JSON.stringify(shown), /"PLAIN","value":"REDACTED"\},\{"name":"REF","valueFrom":\{"secretKeyRef"/)
})

test('a Secret is refused, not redacted', () => {
  assert.throws(() => redact({ kind: 'Secret' }), /no place in a bundle/)
})
