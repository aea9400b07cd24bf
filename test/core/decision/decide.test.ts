import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide } from '../../../src/core/decision/decide.ts'
import type { Decision } from '../../../src/core/decision/decision.ts'
import type { Given } from './facts-fixture.ts'
import { factsOf, NO_NODES, NONE_COVERED, rehearsed } from './facts-fixture.ts'

const SIDECAR_NS = { 'istio-injection': 'enabled' }
const AMBIENT_NS = { 'istio.io/dataplane-mode': 'ambient' }
const RESTRICTED = { 'pod-security.kubernetes.io/enforce': 'restricted' }
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
]

for (const [name, given, want] of TABLE) test(name, () => assert.equal(inShort(given), want))
