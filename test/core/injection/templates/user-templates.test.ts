import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inject } from '../../../../src/core/injection/inject.ts'
import { templateProblems } from '../../../../src/core/injection/templates/user-templates.ts'
import { type Json, type JsonObject, objectOr } from '../../../../src/core/json/value.ts'
import { sentence } from '../../../../src/core/vocabulary/reasons.ts'
import { contextOf, injected, podOf, type Surroundings } from '../injection-fixture.ts'

const POD = podOf({
  labels: { app: 'shop', 'pod-template-hash': 'x1' },
  annotations: { 'example.com/team': 'blue', 'inject.istio.io/templates': 'own' },
  spec: {
    serviceAccountName: 'web',
    containers: [
      { name: 'web', image: 'a', ports: [{ containerPort: 80 }, { containerPort: 53, protocol: 'UDP' }] },
      { name: 'istio-proxy', image: 'auto', ports: [{ containerPort: 9 }] },
    ],
  },
})

const withTemplate = (text: string, more: Surroundings = {}): Surroundings => ({
  ...more,
  texts: { config: JSON.stringify({ policy: 'enabled', templates: { own: text } }) },
})

/** What the template `own` makes of one annotation, `out`. */
function out(expression: string): Json | undefined {
  const pod = injected(
    POD,
    withTemplate(`metadata:\n  annotations:\n    out: |-\n      ${expression}\n`, {
      mesh: { trustDomain: 'td', defaultConfig: { proxyMetadata: { A: 'b' }, drainDuration: '10s' } },
      values: { global: { proxy: { resources: { limits: { cpu: '1' } } }, hub: 'hub', tag: '1' }, extra: { a: null } },
    }),
  )
  return objectOr(objectOr(pod['metadata'])['annotations'])['out']
}

const SEEN: readonly (readonly [expression: string, value: string])[] = [
  ['{{ .ObjectMeta.Name }} {{ .ObjectMeta.Namespace }} {{ .Spec.ServiceAccountName }}', 'web shop web'],
  ['{{ .DeploymentMeta.Name }} {{ .TypeMeta.Kind }} {{ .TypeMeta.APIVersion }}', 'web Pod v1'],
  ['{{ annotation .ObjectMeta `example.com/team` "none" }} {{ annotation .ObjectMeta `x` 7 }}', 'blue 7'],
  ['{{ isset .ObjectMeta.Annotations `example.com/team` }} {{ isset .ObjectMeta.Annotations `x` }}', 'true false'],
  ['{{ index .ObjectMeta.Labels `app` }}{{ .ObjectMeta.Labels.app }}', 'shopshop'],
  [
    '{{ .ProxyConfig.ProxyMetadata.A }} {{ .ProxyConfig.InterceptionMode }} {{ .MeshConfig.TrustDomain }}',
    'b REDIRECT td',
  ],
  ['{{ formatDuration .ProxyConfig.DrainDuration }} {{ .ProxyConfig.StatusPort }}', '10s 15020'],
  ['{{ .Values.global.hub }} {{ .Values.global.proxy.image }} {{ .ProxyImage }}', 'hub proxyv2 hub/proxyv2:1'],
  ['{{ valueOrDefault .Values.global.network "n" }} {{ valueOrDefault .Values.global.hub "n" }}', 'n hub'],
  ['{{ .Revision }} {{ .ProxyUID }} {{ .ProxyGID }} {{ .NativeSidecars }}', 'default 1337 1337 true'],
  [
    '{{ toYaml .Values.global.proxy.resources.limits | indent 6 }}{{ toJsonMap (strdict "a" "1" "b" "") (strdict "c" "2") }}',
    'cpu: "1"\n{"a":"1","c":"2"}',
  ],
  [
    '{{ omitNil .Values.extra | toJson }} {{ (fromJSON "{\\"a\\":1}").a }} {{ structToJSON (index .Spec.Containers 0).Ports }}',
    '{} 1 [{"containerPort":80},{"containerPort":53,"protocol":"UDP"}]',
  ],
  [
    '{{ applicationPorts .Spec.Containers }} {{ includeInboundPorts .Spec.Containers }} {{ excludeInboundPort 15020 "1" }}',
    '80 80,9 1,15020',
  ],
  [
    '{{ appendMultusNetwork "" "default/istio-cni" }} {{ directory "/a/b/c.pem" }} {{ toLower "A" }}',
    'default/istio-cni /a/b/ a',
  ],
  ['{{ protoToJSON .ProxyConfig }}', '{"interceptionMode":"REDIRECT","drainDuration":"10s","proxyMetadata":{"A":"b"}}'],
]

for (const [expression, value] of SEEN)
  test(`a template of the settings sees what Istio's sees: ${expression}`, () => assert.equal(out(expression), value))

test('what a template of the settings says is merged onto the pod', () => {
  const pod = injected(
    POD,
    withTemplate(`
metadata:
  labels: { app: null, added: "1" }
spec:
  containers:
  {{- range .Spec.Containers }}
  - name: {{ .Name }}
    env: [{ name: WHO, value: {{ .Name | quote }} }]
  {{- end }}
`),
  )
  assert.deepEqual(objectOr(pod['metadata'])['labels'], { 'pod-template-hash': 'x1', added: '1' })
  const containers = objectOr(pod['spec'])['containers'] as readonly JsonObject[]
  assert.deepEqual(
    containers.map(({ name, env }) => [name, env]),
    ['web', 'istio-proxy'].map((name) => [name, [{ name: 'WHO', value: name }]]),
  )
})

test('a template of the settings stands in the place of one of Istio’s where the values say so', () => {
  const sidecar = 'spec: { containers: [{ name: istio-proxy, image: mine }] }'
  const webhook = { templates: { sidecar } }
  const pod = injected(podOf(), { values: { sidecarInjectorWebhook: webhook } })
  const containers = objectOr(pod['spec'])['containers'] as readonly JsonObject[]
  assert.deepEqual(
    containers.map(({ name }) => name),
    ['web', 'istio-proxy'],
  )
})

test('a second template may speak of a native proxy as of a regular container: there is one proxy', () => {
  const config = {
    policy: 'enabled',
    defaultTemplates: ['sidecar', 'own'],
    templates: { own: 'spec: { containers: [{ name: istio-proxy, tty: true }] }' },
  }
  const spec = objectOr(injected(podOf(), { texts: { config: JSON.stringify(config) } })['spec'])
  const named = [spec['containers'], spec['initContainers']]
    .flat()
    .filter((one) => objectOr(one)['name'] === 'istio-proxy')
  assert.equal(named.length, 1)
  assert.equal(objectOr(named[0])['tty'], true)
})

test('an empty template says nothing', () => {
  const containers = objectOr(injected(POD, withTemplate('# nothing\n'))['spec'])['containers'] as readonly JsonObject[]
  assert.deepEqual(
    containers.map(({ name }) => name),
    ['web', 'istio-proxy'],
  )
})

const REFUSED: readonly (readonly [what: string, text: string, message: RegExp])[] = [
  [
    'what lies beyond the interpreter',
    'spec:\n  a: {{ env "HOME" "" }}',
    /"own" failed: line 2, column 9: the function env is not supported/,
  ],
  ['what fails while it renders', 'a: {{ fail "not here" }}', /line 1, column 7: not here/],
  ['a text that is no YAML', 'a: [', /renders is no YAML/],
  ['a text that is no map', '- a', /renders is no map/],
  [
    'a label that YAML takes for a number',
    'metadata: { labels: { version: 1.10 } }',
    /metadata\.labels\.version must be a string, not 1\.1/,
  ],
  [
    'an argument that YAML takes for a boolean',
    'spec: { containers: [{ name: a, args: [on] }] }',
    /spec\.containers\[0\]\.args\[0\] must be a string, not true/,
  ],
  ['a list that is a map', 'spec: { volumes: { a: b } }', /spec\.volumes must be a list/],
  ['a part of a pod that is a scalar', 'spec: 7', /spec must be a map/],
  ['a container without name', 'spec: { containers: [{ image: a }] }', /spec\.containers\[0\] has no key/],
]

for (const [what, text, message] of REFUSED)
  test(`a template refuses the pods that ask for it, and says why: ${what}`, () => {
    const injection = inject(POD, contextOf(withTemplate(text)))
    assert.ok(injection.is === 'refused' && injection.reason.code === 'template_failed')
    assert.match(sentence(injection.reason), message)
  })

test('a broken template is told of when the settings are read, and concerns no pod that does not ask for it', () => {
  const { settings } = contextOf(withTemplate('a: b\n{{ if .x }}'))
  assert.deepEqual(templateProblems(settings.injector), [
    { template: 'own', line: 2, column: 1, problem: '{{if}} is not ended' },
  ])
  injected(podOf(), withTemplate('a: b\n{{ if .x }}'))
  assert.deepEqual(templateProblems(contextOf().settings.injector), [])
})
