import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Given } from './facts-fixture.ts'
import { NO_NODES, NONE_COVERED } from './facts-fixture.ts'
import {
  AMBIENT_NS,
  APP_X,
  inject,
  inShort,
  NOTHING_INSTALLED,
  RESTRICTED,
  SIDECAR_NS,
  wish,
} from './decide-fixture.ts'
import { LEGACY_ALLOWED } from './decide-fixture.ts'

const TABLE: readonly (readonly [name: string, given: Given, want: string])[] = [
  [
    'a host-network pod is left alone',
    { namespaceLabels: SIDECAR_NS, spec: { hostNetwork: true } },
    'left host_network',
  ],
  ['a pod in kube-system is left alone', { namespace: 'kube-system', labels: wish('cni') }, 'left ignored_namespace'],
  [
    'a Windows pod is left alone',
    { namespaceLabels: SIDECAR_NS, spec: { os: { name: 'windows' } } },
    'left os_unsupported',
  ],
  [
    'a mirror pod is left alone',
    { namespaceLabels: SIDECAR_NS, annotations: { 'kubernetes.io/config.mirror': 'x' } },
    'left mirror_pod',
  ],
  ['a sidecar namespace gets cni', { namespaceLabels: SIDECAR_NS }, 'cni cni_first ambient:family_by_labels'],
  ['an ambient namespace gets ambient', { namespaceLabels: AMBIENT_NS }, 'ambient ambient_first'],
  ['a bare pod takes the first family of the policy', {}, 'ambient ambient_first'],
  [
    'a bare pod takes a family that is installed',
    { coverage: { installed: { agent: true, ztunnel: false } } },
    'cni cni_first ambient:ztunnel_absent',
  ],
  [
    'a bare pod with nothing installed redirects by itself',
    { coverage: NOTHING_INSTALLED },
    'init init_last_resort ambient:agent_absent cni:agent_absent',
  ],
  [
    'a bare pod that brings its own proxy gets a sidecar',
    { spec: { containers: [{ name: 'istio-proxy' }] } },
    'cni cni_first ambient:family_by_need',
  ],
  [
    'a pod kept out of ambient gets a sidecar',
    { labels: { 'istio.io/dataplane-mode': 'none' } },
    'cni cni_first ambient:ambient_opt_out',
  ],
  [
    'a sidecar beats ambient',
    { namespaceLabels: { ...SIDECAR_NS, ...AMBIENT_NS } },
    'cni cni_first ambient:family_by_labels',
  ],
  [
    'without agents on its nodes a sidecar needs init',
    { namespaceLabels: SIDECAR_NS, coverage: { cni: NONE_COVERED } },
    'init init_last_resort ambient:family_by_labels cni:nodes_not_covered',
  ],
  [
    'no node yet: cni fails visibly, so it is taken',
    { namespaceLabels: SIDECAR_NS, coverage: { cni: NO_NODES } },
    'cni cni_first ambient:family_by_labels',
  ],
  [
    'no node yet: ambient is refused',
    { namespaceLabels: AMBIENT_NS, coverage: { ambient: NO_NODES } },
    'refused no_mode_possible ambient:no_node_yet cni:family_by_labels init:family_by_labels',
  ],
  [
    'an outage does not cross families',
    { namespaceLabels: AMBIENT_NS, coverage: { ambient: NONE_COVERED } },
    'refused no_mode_possible ambient:nodes_not_covered cni:family_by_labels init:family_by_labels',
  ],
  [
    'a restricted namespace with covered nodes gets cni',
    { namespaceLabels: { ...SIDECAR_NS, ...RESTRICTED } },
    'cni cni_first ambient:family_by_labels',
  ],
  [
    'a restricted namespace without covered nodes is refused for every reason, and never gets init',
    {
      namespaceLabels: { ...SIDECAR_NS, ...RESTRICTED },
      coverage: { cni: NONE_COVERED },
      policy: { netAdmin: { default: 'deny', rules: [] } },
    },
    'refused no_mode_possible ambient:family_by_labels cni:nodes_not_covered init:pod_security init:net_admin_denied',
  ],
  [
    'NET_ADMIN is not granted on stale facts',
    { labels: wish('init'), coverage: { ageSeconds: 1801 } },
    'refused wish_impossible ambient:wish_otherwise cni:wish_otherwise init:net_admin_stale',
  ],
  [
    'the policy admits what cannot be meshed',
    { namespaceLabels: AMBIENT_NS, coverage: { ambient: NONE_COVERED }, policy: { onImpossible: 'admit' } },
    'unmeshed admitted_unmeshed ambient:nodes_not_covered cni:family_by_labels init:family_by_labels',
  ],
  [
    'in an ambient namespace a pod may ask for a sidecar',
    { namespaceLabels: AMBIENT_NS, labels: inject('true') },
    'cni cni_first ambient:family_by_labels',
  ],
  [
    'a revision on the pod asks for a sidecar',
    { namespaceLabels: AMBIENT_NS, labels: { 'istio.io/rev': 'canary' } },
    'cni cni_first ambient:family_by_labels',
  ],
  [
    'a revision on the namespace asks for a sidecar',
    { namespaceLabels: { ...AMBIENT_NS, 'istio.io/rev': 'canary' } },
    'cni cni_first ambient:family_by_labels',
  ],
  [
    'alwaysInjectSelector asks for a sidecar',
    { injector: { alwaysInjectSelector: [APP_X] } },
    'cni cni_first ambient:family_by_labels',
  ],
  [
    'neverInjectSelector leaves a pod alone',
    { namespaceLabels: SIDECAR_NS, injector: { neverInjectSelector: [APP_X] } },
    'left never_selector',
  ],
  [
    'neverInjectSelector says nothing of ambient',
    { namespaceLabels: AMBIENT_NS, injector: { neverInjectSelector: [APP_X] } },
    'ambient ambient_first',
  ],
  [
    'a disabled policy leaves a pod alone',
    { namespaceLabels: SIDECAR_NS, injector: { policy: 'disabled' } },
    'left policy_disabled',
  ],
  [
    'a disabled policy leaves a pod alone that asks for nothing',
    { injector: { policy: 'disabled' } },
    'left policy_disabled',
  ],
  [
    'an unreadable policy leaves a pod alone',
    { namespaceLabels: SIDECAR_NS, labels: inject('true'), injector: { policy: 'on' } },
    'left policy_invalid',
  ],
  [
    'an unreadable selector is skipped and told',
    {
      namespaceLabels: SIDECAR_NS,
      injector: { neverInjectSelector: [{ matchExpressions: [{ key: 'app', operator: 'Is' }] }] },
    },
    'cni cni_first ambient:family_by_labels !selector_invalid',
  ],
  [
    'a value that is neither true nor false is told',
    { namespaceLabels: SIDECAR_NS, labels: inject('yes') },
    'cni cni_first ambient:family_by_labels !inject_value_unknown',
  ],
  [
    'settings that only a sidecar heeds are told',
    { namespaceLabels: AMBIENT_NS, annotations: { 'traffic.sidecar.istio.io/includeInboundPorts': '' } },
    'ambient ambient_first !sidecar_settings_unused',
  ],
  [
    'templates ask for a sidecar',
    { annotations: { 'inject.istio.io/templates': 'gateway' } },
    'cni cni_first ambient:family_by_need',
  ],
  [
    'proxy settings ask for a sidecar',
    { annotations: { 'proxy.istio.io/config': '{}' } },
    'cni cni_first ambient:family_by_need',
  ],
  [
    'TPROXY asks for a sidecar',
    { annotations: { 'sidecar.istio.io/interceptionMode': 'TPROXY' } },
    'cni cni_first ambient:family_by_need',
  ],
  [
    "an injector's own status asks for nothing",
    { annotations: { 'sidecar.istio.io/status': '{}' } },
    'ambient ambient_first',
  ],
  [
    'the policy may put sidecars first',
    { policy: { families: ['sidecar', 'ambient'] } },
    'cni cni_first ambient:family_by_policy',
  ],
  [
    'no node yet: ambient is taken where nodes are born tainted',
    { namespaceLabels: AMBIENT_NS, coverage: { ambient: NO_NODES }, policy: { bornTainted: true } },
    'ambient ambient_first',
  ],
  [
    'an outage crosses to ambient, too',
    {
      namespaceLabels: SIDECAR_NS,
      coverage: { cni: NONE_COVERED },
      policy: { crossFamily: true, netAdmin: { default: 'deny', rules: [] } },
    },
    'ambient ambient_first cni:nodes_not_covered init:net_admin_denied !family_crossed',
  ],
  [
    'ambient needs ztunnel',
    { labels: wish('ambient'), coverage: { installed: { agent: true, ztunnel: false } } },
    'refused wish_impossible ambient:ztunnel_absent cni:wish_otherwise init:wish_otherwise',
  ],
  [
    'an outage crosses families where the policy says so',
    { namespaceLabels: AMBIENT_NS, coverage: { ambient: NONE_COVERED }, policy: { crossFamily: true } },
    'cni cni_first ambient:nodes_not_covered !family_crossed',
  ],
  [
    'NET_ADMIN may be allowed where a rule says so',
    {
      namespaceLabels: { ...SIDECAR_NS, team: 'legacy' },
      coverage: { cni: NONE_COVERED },
      policy: { netAdmin: { default: 'deny', rules: [LEGACY_ALLOWED] } },
    },
    'init init_last_resort ambient:family_by_labels cni:nodes_not_covered',
  ],
  [
    'an outage does not push a sidecar on a pod that refuses one',
    {
      namespaceLabels: AMBIENT_NS,
      labels: inject('false'),
      coverage: { ambient: NONE_COVERED },
      policy: { crossFamily: true },
    },
    'refused no_mode_possible ambient:nodes_not_covered cni:family_by_labels init:family_by_labels',
  ],
]

for (const [name, given, want] of TABLE) test(name, () => assert.equal(inShort(given), want))
