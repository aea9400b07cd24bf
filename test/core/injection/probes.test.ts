import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../src/core/json/value.ts'
import type { Surroundings } from './injection-fixture.ts'
import { container, injected, podOf, proxyEnv, warningsOf } from './injection-fixture.ts'

function webWith(parts: JsonObject, annotations: JsonObject = {}): JsonObject {
  const ports = [{ name: 'http', containerPort: 8080 }]
  return podOf({ annotations, spec: { containers: [{ name: 'web', image: 'w', ports, ...parts }] } })
}

function rewritten(parts: JsonObject, annotations: JsonObject = {}, surroundings: Surroundings = {}): JsonObject {
  const pod = injected(webWith(parts, annotations), surroundings)
  const kept = Object.entries(container(pod, 'web')).filter(([key]) => !['name', 'image', 'ports'].includes(key))
  const record = proxyEnv(pod, 'ISTIO_KUBE_APP_PROBERS')
  return { web: Object.fromEntries(kept), record: typeof record === 'string' ? (JSON.parse(record) as JsonObject) : {} }
}

test('an HTTP check goes to the agent, which is told the original with its port as a number', () => {
  const httpGet = { path: '/ready', port: 'http', scheme: 'HTTPS', host: 'h', httpHeaders: [{ name: 'a', value: 'b' }] }
  const probe = { httpGet, timeoutSeconds: 2, periodSeconds: 9, madeUp: true }
  assert.deepEqual(rewritten({ readinessProbe: probe }), {
    web: {
      readinessProbe: {
        ...probe,
        httpGet: { ...httpGet, path: '/app-health/web/readyz', port: 15020, scheme: 'HTTP' },
      },
    },
    record: { '/app-health/web/readyz': { httpGet: { ...httpGet, port: 8080 }, timeoutSeconds: 2 } },
  })
})

test('TCP and gRPC checks become HTTP requests to the agent', () => {
  assert.deepEqual(
    rewritten({ livenessProbe: { tcpSocket: { port: 1 } }, startupProbe: { grpc: { port: 2, service: 's' } } }),
    {
      web: {
        livenessProbe: { httpGet: { path: '/app-health/web/livez', port: 15020 } },
        startupProbe: { httpGet: { path: '/app-health/web/startupz', port: 15020 } },
      },
      record: {
        '/app-health/web/livez': { tcpSocket: { port: 1 } },
        '/app-health/web/startupz': { grpc: { port: 2, service: 's' } },
      },
    },
  )
})

test('handlers of the life cycle are rewritten without a timeout', () => {
  const lifecycle = { preStop: { httpGet: { path: '/bye', port: 8080 } }, postStart: { tcpSocket: { port: 8080 } } }
  assert.deepEqual(rewritten({ lifecycle }), {
    web: {
      lifecycle: {
        preStop: { httpGet: { path: '/app-lifecycle/web/prestopz', port: 15020 } },
        postStart: { httpGet: { path: '/app-lifecycle/web/poststartz', port: 15020 } },
      },
    },
    record: {
      '/app-lifecycle/web/prestopz': { httpGet: { path: '/bye', port: 8080 } },
      '/app-lifecycle/web/poststartz': { tcpSocket: { port: 8080 } },
    },
  })
})

const LEFT: readonly (readonly [string, JsonObject, JsonObject, Surroundings, readonly string[]])[] = [
  [
    'runs a command',
    { readinessProbe: { exec: { command: ['x'] } }, lifecycle: { preStop: { sleep: { seconds: 1 } } } },
    {},
    {},
    [],
  ],
  ['names an unknown port', { readinessProbe: { httpGet: { port: 'nosuch' } } }, {}, {}, ['probe_not_rewritten']],
  [
    'goes to the port of the agent',
    { readinessProbe: { tcpSocket: { port: 15020 } } },
    {},
    {},
    ['probe_not_rewritten'],
  ],
  [
    'belongs to a pod without status port',
    { readinessProbe: { tcpSocket: { port: 1 } } },
    { 'status.sidecar.istio.io/port': '0' },
    {},
    ['probe_without_status_port'],
  ],
  [
    'is not to be rewritten, says the pod',
    { readinessProbe: { tcpSocket: { port: 1 } } },
    { 'sidecar.istio.io/rewriteAppHTTPProbers': 'F' },
    {},
    [],
  ],
  [
    'is not to be rewritten, say the settings',
    { readinessProbe: { tcpSocket: { port: 1 } } },
    { 'sidecar.istio.io/rewriteAppHTTPProbers': 'unreadable' },
    { values: { sidecarInjectorWebhook: { rewriteAppHTTPProbe: false } } },
    [],
  ],
]

for (const [name, parts, annotations, surroundings, warnings] of LEFT)
  test(`a check is left as it is where it ${name}`, () => {
    assert.deepEqual(rewritten(parts, annotations, surroundings), { web: parts, record: {} })
    assert.deepEqual(warningsOf(webWith(parts, annotations), surroundings), warnings)
  })

test('the status port of the pod, spaces or not, is where the checks go', () => {
  const { web } = rewritten(
    { readinessProbe: { tcpSocket: { port: 1 } } },
    { 'status.sidecar.istio.io/port': ' 15030 ' },
  )
  assert.deepEqual(web, { readinessProbe: { httpGet: { path: '/app-health/web/readyz', port: 15030 } } })
})
