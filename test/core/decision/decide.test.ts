import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide } from '../../../src/core/decision/decide.ts'
import type { Decision } from '../../../src/core/decision/decision.ts'
import type { Given } from './facts-fixture.ts'
import { factsOf, NO_NODES, NONE_COVERED, rehearsed } from './facts-fixture.ts'

const SIDECAR_NS = { 'istio-injection': 'enabled' }
const AMBIENT_NS = { 'istio.io/dataplane-mode': 'ambient' }
const RESTRICTED = { 'pod-security.kubernetes.io/enforce': 'restricted' }
const LABELS_WIN = { contradiction: 'labels' } as const
const APP_X = { matchLabels: { app: 'x' } }
const LEGACY_ALLOWED = {
  namespaceSelector: [{ key: 'team', operator: 'In', values: ['legacy'] }],
  permission: 'allow',
} as const
const inject = (value: string): Record<string, string> => ({ 'sidecar.istio.io/inject': value })
const wish = (mode: string): Record<string, string> => ({ 'sluice-mesh.io/mode': mode })
const NOTHING_INSTALLED = { installed: { agent: false, ztunnel: false } }

function decided(given: Given): Decision {
  const facts = factsOf(given)
  return decide(facts, (mode) => rehearsed(facts, mode))
}

/** `mode reason | mode:why mode:why | warnings`, or what else became of the pod */
function inShort(given: Given): string {
  const decision = decided(given)
  const head = decision.is === 'meshed' ? decision.mode : decision.is
  const rejected = decision.rejected.map(({ mode, reason }) => `${mode}:${reason.code}`)
  const warnings = decision.warnings.map(({ code }) => `!${code}`)
  return [head, decision.reason.code, ...rejected, ...warnings].join(' ')
}

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
    'an outage crosses families where the policy says so',
    { namespaceLabels: AMBIENT_NS, coverage: { ambient: NONE_COVERED }, policy: { crossFamily: true } },
    'cni cni_first ambient:nodes_not_covered !family_crossed',
  ],
  [
    'a wish on the pod is granted',
    { labels: wish('init') },
    'init wish_granted ambient:wish_otherwise cni:wish_otherwise',
  ],
  [
    'a wish that cannot be is refused, not replaced',
    { labels: wish('cni'), coverage: { cni: NONE_COVERED } },
    'refused wish_impossible ambient:wish_otherwise cni:nodes_not_covered init:wish_otherwise',
  ],
  [
    'a wish that cannot be is refused even where the policy admits',
    { labels: wish('cni'), coverage: { cni: NONE_COVERED }, policy: { onImpossible: 'admit' } },
    'refused wish_impossible ambient:wish_otherwise cni:nodes_not_covered init:wish_otherwise',
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
  ['a misspelt wish is refused', { labels: wish('Ambient') }, 'refused wish_unknown'],
  ['a wish for none opts out', { namespaceLabels: SIDECAR_NS, labels: wish('none') }, 'left wish_none'],
  [
    'the policy admits what cannot be meshed',
    { namespaceLabels: AMBIENT_NS, coverage: { ambient: NONE_COVERED }, policy: { onImpossible: 'admit' } },
    'unmeshed admitted_unmeshed ambient:nodes_not_covered cni:family_by_labels init:family_by_labels',
  ],
  [
    'a pod may opt out of a family by an annotation',
    { namespaceLabels: SIDECAR_NS, annotations: inject('false') },
    'left annotation_false',
  ],
  [
    'a pod that refuses a sidecar may still be ambient',
    { namespaceLabels: { ...SIDECAR_NS, ...AMBIENT_NS }, labels: inject('false') },
    'ambient ambient_first',
  ],
  [
    'in an ambient namespace refusing a sidecar is no opt-out',
    { namespaceLabels: AMBIENT_NS, labels: inject('false') },
    'ambient ambient_first',
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
    'a pod may opt out of ambient',
    { namespaceLabels: AMBIENT_NS, labels: { 'istio.io/dataplane-mode': 'none' } },
    'left labels_out',
  ],
  [
    'another value of the ambient label is no opt-out',
    { namespaceLabels: AMBIENT_NS, labels: { 'istio.io/dataplane-mode': 'x' } },
    'ambient ambient_first',
  ],
  ['a namespace may refuse sidecars', { namespaceLabels: { 'istio-injection': 'disabled' } }, 'left labels_out'],
  [
    'a namespace that refuses sidecars may be ambient',
    { namespaceLabels: { 'istio-injection': 'disabled', ...AMBIENT_NS } },
    'ambient ambient_first',
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
    'a wish on the pod beats neverInjectSelector',
    { labels: wish('cni'), injector: { neverInjectSelector: [APP_X] } },
    'cni wish_granted ambient:wish_otherwise',
  ],
  [
    'a wish on the namespace does not',
    { namespaceLabels: wish('cni'), injector: { neverInjectSelector: [APP_X] } },
    'left never_selector',
  ],
  [
    'a wish on the namespace beats a disabled policy',
    { namespaceLabels: wish('auto'), injector: { policy: 'disabled' } },
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
    'an unreadable policy does not silently drop a wish',
    { labels: wish('cni'), injector: { policy: 'on' } },
    'refused wish_impossible ambient:wish_otherwise cni:policy_invalid init:wish_otherwise',
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
    'the default of the policy may name a mode',
    { policy: { defaultMode: 'init' } },
    'init wish_granted ambient:wish_otherwise cni:wish_otherwise',
  ],
  [
    'labels beat a default of the other family',
    { namespaceLabels: AMBIENT_NS, policy: { defaultMode: 'init' } },
    'ambient ambient_first',
  ],
  [
    'the default of the policy may be none',
    { namespaceLabels: SIDECAR_NS, policy: { defaultMode: 'none' } },
    'left wish_none',
  ],
  [
    'a wish on the pod beats one on the namespace',
    { namespaceLabels: wish('init'), labels: wish('ambient') },
    'ambient wish_granted',
  ],
  [
    'a wish for auto is narrowed by labels',
    { namespaceLabels: { ...AMBIENT_NS, ...wish('auto') } },
    'ambient ambient_first',
  ],
  [
    'a wish against the labels wins by default, and is told',
    { namespaceLabels: SIDECAR_NS, labels: wish('ambient') },
    'ambient wish_granted !wish_contradicts_labels',
  ],
  [
    'the labels win where the policy says so',
    { namespaceLabels: SIDECAR_NS, labels: wish('ambient'), policy: LABELS_WIN },
    'cni cni_first ambient:family_by_labels !wish_contradicts_labels',
  ],
  [
    'a wish and an opt-out on one pod contradict each other',
    { labels: { ...wish('cni'), ...inject('false') } },
    'cni wish_granted ambient:wish_otherwise !wish_contradicts_labels',
  ],
  [
    'a wish and an opt-out on one pod, labels first',
    { labels: { ...wish('cni'), ...inject('false') }, policy: LABELS_WIN },
    'left label_false !wish_contradicts_labels',
  ],
  [
    'a wish for none and a label for the mesh on one pod contradict each other',
    { labels: { ...wish('none'), ...inject('true') }, policy: LABELS_WIN },
    'cni cni_first ambient:family_by_labels !wish_contradicts_labels',
  ],
  [
    'an opt-out against a wish of the namespace is no contradiction',
    { namespaceLabels: wish('cni'), labels: inject('false') },
    'left label_false',
  ],
  [
    'a wish for ambient against its opt-out on the same pod',
    { labels: { ...wish('ambient'), 'istio.io/dataplane-mode': 'none' } },
    'ambient wish_granted !wish_contradicts_labels',
  ],
  [
    'a wish of the pod for ambient in a namespace that is not',
    { namespaceLabels: { 'istio.io/dataplane-mode': 'none' }, labels: wish('ambient') },
    'ambient wish_granted',
  ],
  [
    'opting out may be denied',
    { namespaceLabels: SIDECAR_NS, labels: inject('false'), policy: { optOut: { default: 'deny', rules: [] } } },
    'refused opt_out_denied',
  ],
  [
    'opting out by a wish may be denied',
    { namespaceLabels: SIDECAR_NS, labels: wish('none'), policy: { optOut: { default: 'deny', rules: [] } } },
    'refused opt_out_denied',
  ],
  [
    'opting out of ambient may be denied',
    {
      namespaceLabels: AMBIENT_NS,
      labels: { 'istio.io/dataplane-mode': 'none' },
      policy: { optOut: { default: 'deny', rules: [] } },
    },
    'refused opt_out_denied',
  ],
  [
    'a namespace that stays out is no opt-out',
    { namespaceLabels: wish('none'), policy: { optOut: { default: 'deny', rules: [] } } },
    'left wish_none',
  ],
  [
    'opting out may be allowed where a rule says so',
    {
      namespaceLabels: { ...SIDECAR_NS, team: 'legacy' },
      labels: inject('false'),
      policy: { optOut: { default: 'deny', rules: [LEGACY_ALLOWED] } },
    },
    'left label_false',
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
    'no node yet: ambient is taken where nodes are born tainted',
    { namespaceLabels: AMBIENT_NS, coverage: { ambient: NO_NODES }, policy: { bornTainted: true } },
    'ambient ambient_first',
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
]

for (const [name, given, want] of TABLE) test(name, () => assert.equal(inShort(given), want))
