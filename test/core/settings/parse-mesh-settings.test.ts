import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MeshSettingsTexts } from '../../../src/core/settings/parse-mesh-settings.ts'
import { parseMeshSettings } from '../../../src/core/settings/parse-mesh-settings.ts'
import { SettingsError } from '../../../src/core/settings/settings-error.ts'

test('no text at all is a default installation', () => {
  const settings = parseMeshSettings({})
  assert.equal(settings.injector.policy, 'enabled')
  assert.deepEqual(settings.injector.defaultTemplates, ['sidecar'])
  assert.equal(settings.meshFields.proxyListenPort, 15001)
  assert.equal(settings.meshFields.statusPort, 15020)
  assert.equal(settings.injectorValues.global.proxy.clusterDomain, 'cluster.local')
  assert.equal(settings.nativeSidecars, 'auto')
})

test('a value that the document leaves out is the chart’s, also for users’ own templates', () => {
  const { values, injectorValues } = parseMeshSettings({ values: '{"global":{"hub":"h","proxy":{"image":null}}}' })
  assert.equal(injectorValues.global.proxy.image, 'proxyv2')
  const global = values['global'] as Record<string, unknown>
  assert.equal(global['hub'], 'h')
  assert.equal((global['proxy'] as Record<string, unknown>)['image'], 'proxyv2')
  assert.equal('lifecycle' in (global['proxy'] as object), false)
})

test('a value that Sluice does not know stays for users’ own templates', () => {
  const { values } = parseMeshSettings({ values: 'global:\n  mine: {a: 1}\n' })
  assert.deepEqual((values['global'] as Record<string, unknown>)['mine'], { a: 1 })
})

test('resources are taken whole, nulls and all, and never filled from the defaults', () => {
  const { injectorValues } = parseMeshSettings({ values: '{"global":{"proxy":{"resources":{"limits":{"cpu":null}}}}}' })
  assert.deepEqual(injectorValues.global.proxy.resources, { limits: { cpu: null } })
})

test('numbers and booleans where the chart wants a text are that text', () => {
  const values = 'global: {tag: 1.2, proxy: {capNetBindService: true, includeInboundPorts: 80}}'
  const { global } = parseMeshSettings({ values }).injectorValues
  assert.deepEqual(
    [global.tag, global.proxy.capNetBindService, global.proxy.includeInboundPorts],
    ['1.2', 'true', '80'],
  )
})

test('mesh fields replace the defaults, providers merge by name, aliases are a sorted set', () => {
  const { mesh } = parseMeshSettings({
    mesh: [
      'trustDomain: td',
      'connectTimeout: null',
      'trustDomainAliases: [b, a, b]',
      'extensionProviders: [{name: envoy, x: {}}, {name: otel, opentelemetry: {}}]',
      'defaultProviders: {tracing: [otel]}',
    ].join('\n'),
  })
  assert.equal(mesh['trustDomain'], 'td')
  assert.equal(mesh['connectTimeout'], '10s')
  assert.deepEqual(mesh['trustDomainAliases'], ['a', 'b'])
  assert.deepEqual(mesh['defaultProviders'], { metrics: ['prometheus'], tracing: ['otel'] })
  assert.deepEqual(mesh['extensionProviders'], [
    { name: 'prometheus', prometheus: {} },
    { name: 'stackdriver', stackdriver: {} },
    { name: 'envoy', x: {} },
    { name: 'otel', opentelemetry: {} },
  ])
})

test('a listen port of 0 is not set', () => {
  assert.equal(parseMeshSettings({ mesh: 'proxyListenPort: 0' }).meshFields.proxyListenPort, 15001)
})

test('without the injector’s own document it is made of the values, as the chart makes it', () => {
  const values = { global: { proxy: { autoInject: 'disabled' } }, sidecarInjectorWebhook: { templates: { mine: 't' } } }
  const { injector } = parseMeshSettings({ values: JSON.stringify(values) })
  assert.equal(injector.policy, 'disabled')
  assert.deepEqual(Object.entries(injector.templates), [['mine', 't']])
})

test('Istio’s own text of a built-in template is not read; what a user put in its place is', () => {
  const config = JSON.stringify({ policy: 'enabled', templates: { sidecar: 'istio', gateway: 'user', extra: 'user' } })
  const values = JSON.stringify({ sidecarInjectorWebhook: { templates: { gateway: 'user', extra: 'user' } } })
  const { templates } = parseMeshSettings({ config, values }).injector
  assert.deepEqual(Object.keys(templates), ['gateway', 'extra'])
})

test('a document with a policy left out does not turn injection on', () => {
  assert.equal(parseMeshSettings({ config: 'defaultTemplates: []' }).injector.policy, '')
})

for (const [text, want] of [
  ['auto', 'auto'],
  ['true', 'enabled'],
  ['false', 'disabled'],
  ['maybe', 'disabled'],
] as const) {
  test(`ENABLE_NATIVE_SIDECARS=${text} is ${want}`, () => {
    assert.equal(parseMeshSettings({ nativeSidecars: text }).nativeSidecars, want)
  })
}

const REFUSED: readonly { readonly texts: MeshSettingsTexts; readonly says: string }[] = [
  {
    texts: { values: '{"global":{"proxy":{"statusPort":"x"}}}' },
    says: 'values.global.proxy.statusPort: must be a whole number from 0 to 65535, not "x"',
  },
  { texts: { values: '{"global":{"proxy":[]}}' }, says: 'values.global.proxy: must be a map, not a list' },
  { texts: { values: '{"global":{"hub":{}}}' }, says: 'values.global.hub: must be a text, not a map' },
  {
    texts: { values: '{"global":{"imagePullSecrets":"s"}}' },
    says: 'values.global.imagePullSecrets: must be a list, not "s"',
  },
  { texts: { config: 'aliases: {a: [{}]}' }, says: 'config.aliases.a[0]: must be a text, not a map' },
  { texts: { mesh: '[]' }, says: 'mesh: must be a map, not a list' },
  {
    texts: { mesh: 'defaultConfig: {statusPort: x}' },
    says: 'mesh.defaultConfig.statusPort: must be a whole number from -2147483648 to 2147483647, not "x"',
  },
  {
    texts: { mesh: 'a: [' },
    says: 'mesh: is neither YAML nor JSON: Flow sequence in block collection must be sufficiently indented and end with a ] at line 1, column 5',
  },
]

for (const { texts, says } of REFUSED) {
  test(`settings are refused as a whole: ${says.slice(0, 70)}`, () => {
    assert.throws(
      () => parseMeshSettings(texts),
      (error) => error instanceof SettingsError && error.message === says,
    )
  })
}
