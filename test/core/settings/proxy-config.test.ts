import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { effectiveProxyConfig, proxyConfigText } from '../../../src/core/settings/effective-proxy-config.ts'
import { parseMeshSettings } from '../../../src/core/settings/parse-mesh-settings.ts'
import { oldestFirst, parseProxyConfigResource } from '../../../src/core/settings/proxy-config-resource.ts'
import { problemsOfProxyConfig } from '../../../src/core/settings/proxy-config-rules.ts'
import { DEFAULT_PROXY_CONFIG, mergeProxyConfig, parseProxyConfig } from '../../../src/core/settings/proxy-config.ts'

function resource(name: string, namespace: string, spec: JsonObject, creationTimestamp = ''): JsonObject {
  return { metadata: { name, namespace, creationTimestamp }, spec }
}

function effective(
  mesh: string,
  annotation: string,
  resources: readonly JsonObject[] = [],
  namespace = 'shop',
): JsonObject {
  const settings = parseMeshSettings({ mesh, proxyConfigResources: resources.map(parseProxyConfigResource) })
  return effectiveProxyConfig(settings, {
    namespace,
    labels: { app: 'web' },
    annotation: parseProxyConfig(annotation).message,
  })
}

test('the layers of a pod’s ProxyConfig win in Istio’s order', () => {
  const found = effective(
    'defaultConfig: {concurrency: 1, proxyMetadata: {A: mesh, B: mesh}}',
    'concurrency: 5\nproxyMetadata: {B: annotation, X: annotation}',
    [
      resource('root', 'istio-system', { concurrency: 2, environmentVariables: { R: 'root', X: 'root' } }),
      resource('ns', 'shop', { image: { imageType: 'debug' }, environmentVariables: { X: 'ns' } }),
      resource('younger', 'shop', { image: { imageType: 'ignored' } }),
      resource('all', 'shop', { concurrency: 9, selector: { matchLabels: {} } }),
      resource('wl', 'shop', { environmentVariables: { X: 'wl' }, selector: { matchLabels: { app: 'web' } } }),
    ],
  )
  assert.equal(found['concurrency'], 5)
  assert.deepEqual(found['image'], { imageType: 'debug' })
  assert.deepEqual({ ...(found['proxyMetadata'] as object) }, { A: 'mesh', B: 'annotation', R: 'root', X: 'wl' })
})

test('in the root namespace its own resource counts once', () => {
  const root = [resource('root', 'istio-system', { concurrency: 2 })]
  assert.equal(effective('', 'concurrency: 3', root, 'istio-system')['concurrency'], 3)
})

test('of several resources in one place the oldest counts', () => {
  const found = oldestFirst([
    resource('b', 'n', {}, '2026-01-02T00:00:00Z'),
    resource('a', 'n', {}, '2026-01-02T00:00:00Z'),
    resource('c', 'n', {}, '2026-01-01T00:00:00Z'),
  ])
  assert.deepEqual(
    found.map((one) => (one['metadata'] as JsonObject)['name']),
    ['c', 'a', 'b'],
  )
})

test('a zero value overrides nothing, a wrapped one does', () => {
  const found = effective(
    'defaultConfig: {interceptionMode: TPROXY, holdApplicationUntilProxyStarts: true, concurrency: 4}',
    'interceptionMode: REDIRECT\nholdApplicationUntilProxyStarts: false\nconcurrency: 0\nstatusPort: 0',
  )
  assert.equal(found['interceptionMode'], 'TPROXY')
  assert.equal(found['holdApplicationUntilProxyStarts'], false)
  assert.equal(found['concurrency'], 0)
  assert.equal(found['statusPort'], 15020)
})

test('whole messages replace, some proxy headers stay', () => {
  const merged = mergeProxyConfig(
    {
      tracing: { zipkin: { address: 'z:1' } },
      proxyHeaders: { server: { value: 'a' }, forwardedClientCert: 'SANITIZE' },
    },
    { tracing: { sampling: 1 }, proxyHeaders: { requestId: { disabled: true } } },
  )
  assert.deepEqual(merged, {
    tracing: { sampling: 1 },
    proxyHeaders: { server: { value: 'a' }, requestId: { disabled: true } },
  })
})

test('the two names of the cluster exclude each other', () => {
  const zero = parseProxyConfig('tracingServiceName: APP_LABEL_AND_NAMESPACE').message
  assert.deepEqual(mergeProxyConfig({ serviceCluster: 'a' }, zero), { tracingServiceName: 'APP_LABEL_AND_NAMESPACE' })
  assert.deepEqual(mergeProxyConfig(zero, { serviceCluster: 'a' }), { serviceCluster: 'a' })
})

const TEXTS: readonly { readonly name: string; readonly yaml: string; readonly want: string }[] = [
  { name: 'all defaults are an empty map', yaml: '', want: '{}' },
  { name: 'a field equal to the default is left out', yaml: 'drainDuration: 45.000s', want: '{}' },
  {
    name: 'durations have three decimals or none',
    yaml: 'terminationDrainDuration: 1.5s',
    want: '{"terminationDrainDuration":"1.500s"}',
  },
  { name: 'names may be in snake case', yaml: 'drain_duration: 9s', want: '{"drainDuration":"9s"}' },
  { name: 'enums may be numbers', yaml: 'interceptionMode: 2', want: '{"interceptionMode":"NONE"}' },
  { name: 'unknown keys vanish', yaml: 'nosuch: 1\nconcurrency: 2', want: '{"concurrency":2}' },
  { name: 'JSON is YAML', yaml: '{"concurrency":2}', want: '{"concurrency":2}' },
  {
    name: '64-bit integers are texts',
    yaml: 'tracing: {stackdriver: {maxNumberOfAttributes: 5}}',
    want: '{"tracing":{"stackdriver":{"maxNumberOfAttributes":"5"}}}',
  },
  { name: 'an empty message stays', yaml: 'tracing: {}', want: '{"tracing":{}}' },
  { name: 'empty metadata vanishes', yaml: 'proxyMetadata: {}', want: '{}' },
  {
    name: 'a metadata key __proto__ is a key like any other',
    yaml: 'proxyMetadata: {__proto__: x}',
    want: '{"proxyMetadata":{"__proto__":"x"}}',
  },
  { name: 'zero items of lists stay', yaml: 'extraStatTags: ["", a]', want: '{"extraStatTags":["","a"]}' },
]

for (const { name, yaml, want } of TEXTS) {
  test(`PROXY_CONFIG: ${name}`, () => {
    const merged = mergeProxyConfig(DEFAULT_PROXY_CONFIG, parseProxyConfig(yaml).message)
    assert.equal(proxyConfigText(merged), `${want}\n`)
  })
}

test('unknown keys are told by their path', () => {
  assert.deepEqual(parseProxyConfig('tracing: {samplig: 1}\nnosuch: 1').unknown, ['tracing.samplig', 'nosuch'])
})

test('fields that were given their zero are told, by their proper name', () => {
  const { zeros } = parseProxyConfig('status_port: 0\ninterceptionMode: REDIRECT\nconcurrency: 0\ntracing: null')
  assert.deepEqual(zeros, ['statusPort', 'interceptionMode'])
})

const UNREADABLE: readonly (readonly [string, string])[] = [
  ['- a', ': must be a map, not a list'],
  ['statusPort: 1.5', 'statusPort: must be a whole number from -2147483648 to 2147483647, not 1.5'],
  ['holdApplicationUntilProxyStarts: "true"', 'holdApplicationUntilProxyStarts: must be true or false, not "true"'],
  ['proxyMetadata: {A: 1}', 'proxyMetadata.A: must be a text, not 1'],
  ['proxyMetadata: [A]', 'proxyMetadata: must be a map, not a list'],
  ['extraStatTags: a', 'extraStatTags: must be a list, not "a"'],
  ['tracing: {sampling: x}', 'tracing.sampling: must be a number, not "x"'],
  [
    'tracing: {stackdriver: {maxNumberOfAttributes: x}}',
    'tracing.stackdriver.maxNumberOfAttributes: must be a whole number, not "x"',
  ],
]

for (const [yaml, says] of UNREADABLE) {
  test(`a ProxyConfig cannot be read: ${yaml}`, () => {
    assert.throws(() => parseProxyConfig(yaml), { name: 'SettingsError', message: says })
  })
}

test('everything that makes a ProxyConfig unusable is named at once', () => {
  const yaml = [
    'drainDuration: 1.5s',
    'discoveryAddress: "[::1]"',
    'statsdUdpAddress: "host:0"',
    'tracing: {lightstep: {address: x}}',
    'envoyMetricsService: {}',
    'proxyAdminPort: 70000',
  ].join('\n')
  const merged = mergeProxyConfig(DEFAULT_PROXY_CONFIG, parseProxyConfig(yaml).message)
  assert.deepEqual(problemsOfProxyConfig(merged), [
    'drainDuration must be whole seconds, at least 1s, not 1.500s',
    'discoveryAddress must be host:port, not "[::1]"',
    'statsdUdpAddress must be host:port, not "host:0"',
    'tracing.lightstep.address must be host:port, not "x"',
    'tracing.lightstep.accessToken must not be empty',
    'envoyMetricsService.address must be host:port, not ""',
    'proxyAdminPort must be a port from 1 to 65535, not 70000',
  ])
  assert.deepEqual(problemsOfProxyConfig({ ...DEFAULT_PROXY_CONFIG, discoveryAddress: '[::1]:15012' }), [])
})
