import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../src/core/json/value.ts'
import type { Surroundings } from './injection-fixture.ts'
import { podOf, warningsOf } from './injection-fixture.ts'

const OPENSHIFT = {
  texts: { platform: 'openshift' },
  namespaceAnnotations: { 'openshift.io/sa.scc.uid-range': '1000/10' },
}
const MULTUS = { mode: 'cni', values: { pilot: { cni: { provider: 'multus' } } } } as const

function annotated(name: string, value: string): JsonObject {
  return podOf({ annotations: { [name]: value } })
}

function withProxy(proxy: JsonObject, ...others: readonly JsonObject[]): JsonObject {
  return podOf({ spec: { containers: [...others, { name: 'istio-proxy', image: 'auto', ...proxy }] } })
}

const CONFIG = 'proxy.istio.io/config'
const OWNED = { ownerReferences: [{ controller: true, kind: 'StatefulSet', name: 'db' }] }
const MESH_TRACING = {
  mesh: { defaultConfig: { interceptionMode: 'TPROXY', tracing: { zipkin: { address: 'z:1' } } } },
}

const MESH_RUNTIME = { mesh: { defaultConfig: { runtimeValues: { 'a.limit': '1', 'b.limit': '2' } } } }

const CASES: readonly (readonly [string, JsonObject, Surroundings, readonly string[]])[] = [
  ['an ordinary pod gives no warning', podOf(), {}, []],
  ['an ordinary pod in mode cni gives no warning', podOf(), { mode: 'cni' }, []],
  ['a typing error in a ProxyConfig is told', annotated(CONFIG, 'concurency: 2'), {}, ['proxy_config_unknown']],
  [
    'a zero that cannot override is told',
    annotated(CONFIG, 'interceptionMode: REDIRECT'),
    MESH_TRACING,
    ['proxy_config_zero'],
  ],
  ['a zero where nothing is overridden is not told', annotated(CONFIG, 'interceptionMode: REDIRECT'), {}, []],
  [
    'tracing of the mesh that is lost is told',
    annotated(CONFIG, 'tracing: {sampling: 1}'),
    MESH_TRACING,
    ['tracing_replaced'],
  ],
  [
    'a runtime value of the mesh that is lost is told',
    annotated(CONFIG, 'runtimeValues: {a.limit: "3"}'),
    MESH_RUNTIME,
    ['runtime_values_replaced'],
  ],
  [
    'runtime values that repeat those of the mesh are not told',
    annotated(CONFIG, 'runtimeValues: {a.limit: "3", b.limit: "2"}'),
    MESH_RUNTIME,
    [],
  ],
  [
    'a status port that the agent does not listen on is told',
    annotated('status.sidecar.istio.io/port', '15030'),
    {},
    ['status_ports_disagree'],
  ],
  [
    'a status port of the mesh alone is told',
    podOf(),
    { mesh: { defaultConfig: { statusPort: 15025 } } },
    ['status_ports_disagree'],
  ],
  ['a status port of 0 is no disagreement', annotated('status.sidecar.istio.io/port', '0'), {}, []],
  [
    'a named pod that somebody owns is told',
    { ...podOf(), metadata: { name: 'db-0', ...OWNED } },
    {},
    ['workload_is_pod'],
  ],
  [
    'a generated pod that somebody owns is not told',
    { ...podOf(), metadata: { generateName: 'db-', ...OWNED } },
    {},
    [],
  ],
  [
    'mode NONE is told',
    annotated('sidecar.istio.io/interceptionMode', 'NONE'),
    { mode: 'cni' },
    ['traffic_not_redirected'],
  ],
  [
    'a pod of the native proxy alone is told',
    podOf({ spec: { containers: [{ name: 'istio-proxy', image: 'auto' }] } }),
    {},
    ['no_application_container'],
  ],
  [
    'a cluster that is not this one is told',
    podOf(),
    { nativeSidecars: false, pathEnv: { ISTIO_META_CLUSTER_ID: 'c9' } },
    ['native_cluster_unknown'],
  ],
  [
    'a cluster that is not this one is not told where the pod says',
    annotated('sidecar.istio.io/nativeSidecar', 'true'),
    { nativeSidecars: false, pathEnv: { ISTIO_META_CLUSTER_ID: 'c9' } },
    [],
  ],
  [
    'networks that cannot be added to are told',
    annotated('k8s.v1.cni.cncf.io/networks', 'a]'),
    MULTUS,
    ['multus_networks_malformed'],
  ],
  ['networks that can be added to are not told', annotated('k8s.v1.cni.cncf.io/networks', '[]'), MULTUS, []],
  [
    'TPROXY on OpenShift is told',
    annotated('sidecar.istio.io/interceptionMode', 'TPROXY'),
    OPENSHIFT,
    ['openshift_tproxy_user'],
  ],
  [
    'low ports on OpenShift are told',
    annotated('sidecar.istio.io/capNetBindService', 'true'),
    OPENSHIFT,
    ['openshift_proxy_captured'],
  ],
  ['low ports elsewhere are not told', annotated('sidecar.istio.io/capNetBindService', 'true'), {}, []],
  [
    'a group that was the author’s own is told',
    withProxy({ securityContext: { runAsGroup: 5 } }, { name: 'web' }),
    OPENSHIFT,
    ['assigned_group_dropped'],
  ],
]

for (const [name, pod, surroundings, want] of CASES)
  test(name, () => assert.deepEqual(warningsOf(pod, surroundings), want))
