import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge } from '../../../src/core/checks/judge.ts'
import type { Survey } from '../../../src/core/checks/survey.ts'
import { type CheckId, CHECKS, type CheckRow } from '../../../src/core/vocabulary/checks.ts'
import {
  AGENT,
  DAY,
  FARGATE,
  ISTIO_CNI,
  known,
  namespace,
  narrowed,
  owned,
  phased,
  pod,
  systems,
  trial,
  waiting,
  WELL,
} from './survey-fixture.ts'
import { ISTIO, OURS } from '../registration/webhooks-fixture.ts'
import { node, NOW, UNREAD } from './survey-fixture.ts'

const TABLE: readonly (readonly [id: CheckId, over: Partial<Survey>, verdict: string, says: RegExp])[] = [
  ['kubernetes-version', { version: known('v1.29.9-gke.1') }, 'error', /v1\.29\.9/],
  ['kubernetes-version', { version: known('?') }, 'unknown', /reads \?/],
  ['kubernetes-policies', { admissionKinds: known([]) }, 'error', /does not serve/],
  [
    'install-rights',
    { installRights: known([{ verb: 'create', resource: 'daemonsets.apps', allowed: false }]) },
    'error',
    /you may not: create daemonsets\.apps/,
  ],
  ['read-rights', { readRights: known([{ verb: 'list', resource: 'nodes', allowed: false }]) }, 'error', /list nodes/],
  [
    'own-pods-admitted',
    { ownPods: known([trial('webhook'), trial('agent', { refusal: 'violates PodSecurity "baseline:latest": x' })]) },
    'error',
    /^the agent's pod is refused in sluice-system: violates PodSecurity "baseline:latest": x$/,
  ],
  [
    'own-pods-admitted',
    { ownPods: known([trial('webhook', { triedIn: 'default' }), trial('agent', { triedIn: 'default' })]) },
    'ok',
    /^in default, which like a new namespace sluice-system has no level of Pod Security of its own$/,
  ],
  ['istio-namespace', { istioNamespace: 'istio-2' }, 'error', /^there is no namespace istio-2$/],
  ['mesh-settings', { problems: known(new Map([['mesh', 'ConfigMap a/b does not exist']])) }, 'error', /a\/b/],
  ['sluice-policy', { problems: known(new Map([['policy', 'families: x']])) }, 'error', /families/],
  [
    'other-injectors',
    { webhooks: known([OURS, ISTIO]), namespaces: namespace('shop', { 'istio-injection': 'enabled' }) },
    'warning',
    /shop \(namespace\.sidecar-injector\.istio\.io\)/,
  ],
  ['other-agents', { daemonSets: known([AGENT, ISTIO_CNI]) }, 'warning', /istio-cni \(sluice-system\/istio-cni-node\)/],
  [
    'other-agents',
    { daemonSets: known([AGENT, ISTIO_CNI]), otherAgentPods: known([pod('a', true), pod('b', true)]) },
    'warning',
    /; istio-cni alone on node-of-b; istio-cni and Sluice on node-of-a$/,
  ],
  [
    'other-agents',
    { agentPods: known([owned(pod('a', true, 'False'))]) },
    'warning',
    /^Sluice alone on node-of-a; ztunnel's socket is not Sluice's on node-of-a$/,
  ],
  ['other-agents', { otherAgentPods: { is: 'unknown', why: 'forbidden' } }, 'unknown', /forbidden/],
  ['cilium-exclusive', { cilium: known({}) }, 'error', /cni-exclusive=true/],
  ['cilium-socket-lb', { cilium: known({}) }, 'warning', /bpf-lb-sock-hostns-only=false/],
  ['cilium-masquerade', { cilium: known({ 'enable-bpf-masquerade': 'true' }) }, 'warning', /masquerade=true/],
  ['node-kernel', systems({ kernel: '4.18.0-553.el8_10.x86_64' }, {}), 'warning', /^1 of 2 nodes: n1 \(4\.18\.0-553/],
  ['node-kernel', systems({ kernel: '5.1.21' }), 'warning', /n1 \(5\.1\.21\)/],
  ['node-kernel', systems({ kernel: '5.2.0' }, { kernel: '10.0' }), 'ok', /^10\.0, 5\.2\.0$/],
  ['node-kernel', systems({ kernel: '' }, {}), 'unknown', /^1 of 2 nodes: n1 \(its kernel is not told\)$/],
  ['node-kernel', systems({ kernel: '' }, { kernel: '4.4.0' }), 'warning', /^2 of 2 nodes: n2 \(4\.4\.0\), n1 \(its/],
  ['node-kernel', systems({}, { kernel: '10.0.20348', linux: false }), 'ok', /^6\.1\.0-28-amd64$/],
  ['node-kernel', systems({}, { kernel: '4.4.0', labels: FARGATE }), 'ok', /^6\.1\.0-28-amd64$/],
  ['node-runtime', systems({ runtime: 'containerd://1.6.19' }), 'warning', /n1 \(containerd:\/\/1\.6\.19\)/],
  ['node-runtime', systems({ runtime: 'cri-o://1.28.11' }), 'warning', /n1 \(cri-o:\/\/1\.28\.11\)/],
  ['node-runtime', systems({ runtime: 'docker://27.5.1' }), 'warning', /n1 \(docker:\/\/27\.5\.1\)/],
  ['node-runtime', systems({ runtime: 'containerd://HEAD' }), 'unknown', /n1 \(containerd:\/\/HEAD\)/],
  ['node-runtime', systems({ runtime: '' }), 'unknown', /not told/],
  [
    'node-runtime',
    systems({ runtime: 'cri-o://1.29.0' }, { runtime: 'containerd://2.1.4-k3s2' }),
    'ok',
    /^containerd.*cri-o/,
  ],
  ['node-platform', systems({}, { labels: FARGATE }), 'ok', /^left out: n2 \(EKS on Fargate\)$/],
  [
    'node-platform',
    systems({ labels: FARGATE }),
    'warning',
    /^no node can have an agent: cni\.enabled=false.*; left out: n1/,
  ],
  [
    'node-platform',
    systems({ osImage: 'Bottlerocket OS 1.32.0 (aws-k8s-1.31)' }, {}, { osImage: 'Talos (v1.9.1)' }),
    'warning',
    /^Bottlerocket \(n1\): cni\.seLinuxOptions\.type=super_t; Talos \(n3\): label the agent's namespace privileged$/,
  ],
  ['webhook-registered', { webhooks: known([ISTIO]) }, 'error', /no MutatingWebhookConfiguration sluice/],
  ['webhook-conditions', { webhooks: known([narrowed()]) }, 'warning', /control-plane \(/],
  ['webhook-ca-bundle', { caBundles: known([{ entry: 'x', notAfter: NOW + 3 * DAY }]) }, 'warning', /2026-06-04/],
  ['webhook-ca-bundle', { caBundles: known([{ entry: 'x', notAfter: NOW - DAY }]) }, 'error', /ended at 2026-05-31/],
  ['webhook-ca-bundle', { caBundles: known([{ entry: 'x', notAfter: undefined }]) }, 'error', /no CA .* x/],
  ['webhook-ca-bundle', { caBundles: known([]) }, 'error', /no entry/],
  ['webhook-replicas', { webhookPods: known([pod('a', true)]) }, 'warning', /1 of 1/],
  ['webhook-replicas', { webhookPods: known([pod('a', false)]) }, 'error', /0 of 1/],
  ['webhook-answers', { probe: known({ is: 'untouched', namespace: 'shop' }) }, 'error', /untouched from shop/],
  [
    'webhook-answers',
    { probe: known({ is: 'untouched', namespace: 'kube-system' }) },
    'unknown',
    /never asked about pods in kube-system: name another namespace by -n/,
  ],
  ['webhook-answers', { probe: known({ is: 'failed', message: 'x509' }) }, 'error', /x509/],
  ['webhook-answers', { probe: known({ is: 'refused', message: 'sluice: no' }) }, 'ok', /refuses the pod/],
  [
    'own-namespace',
    { namespaces: namespace('sluice-system', { 'istio-injection': 'enabled' }) },
    'error',
    /istio-injection=enabled/,
  ],
  ['own-namespace', { namespaces: known([]) }, 'error', /no namespace sluice-system/],
  ['boundary-policies', { boundPolicies: known(['sluice-guard', 'sluice-fence']) }, 'error', /sluice-seal/],
  ['agent-installed', { daemonSets: known([]) }, 'error', /no DaemonSet/],
  [
    'agent-installed',
    { agentPods: known([pod('a', false)]) },
    'error',
    /0 of 1 are ready; not a \(on node-of-a: it does not/,
  ],
  ['agent-installed', { agentPods: known([waiting('a')]) }, 'error', /not a \(on node-of-a: CrashLoopBackOff\)$/],
  [
    'agent-installed',
    { agentPods: known([phased('a', 'Running')]) },
    'error',
    /not a \(on node-of-a: it runs and says no\)$/,
  ],
  ['agent-installed', { agentPods: known([{ metadata: { name: 'a' } }]) }, 'error', /not a \(no node takes it\)$/],
  ['agent-installed', { agentPods: known([]) }, 'error', /no agent runs; 0 of 1/],
  ['agent-conditions', { agentPods: known([]) }, 'warning', /no agent runs/],
  ['agent-conditions', { agentPods: known([pod('a', true, 'False')]) }, 'warning', /node-of-a \(ztunnel_absent\)/],
  ['agent-conditions', { agentPods: known([pod('a', true)]) }, 'warning', /says nothing/],
  ['agent-conditions', { daemonSets: known([AGENT]), agentPods: known([pod('a', true)]) }, 'ok', /no ztunnel/],
  ['node-coverage', { nodes: known([node('a'), node('b', { labels: {} })]) }, 'warning', /1 of 2 .* not b/],
  ['node-coverage', { nodes: known([node('b', { labels: {} })]) }, 'error', /0 of 1/],
  ['node-coverage', { nodes: known([node('a'), node('w', { labels: {}, linux: false })]) }, 'ok', /1 of 1/],
  ['agent-pod-security', { namespaces: namespace('sluice-system') }, 'warning', /default/],
  [
    'agent-pod-security',
    { namespaces: namespace('sluice-system', { 'pod-security.kubernetes.io/enforce': 'baseline' }) },
    'error',
    /enforces baseline/,
  ],
]

function resultOf(id: CheckId, survey: Survey): { readonly verdict: string; readonly detail: string } {
  const row: CheckRow = CHECKS[id]
  const stage = row.stage === 'before' ? 'before' : 'after'
  const found = judge(survey, stage).find((result) => result.id === id)
  assert.ok(found !== undefined, id)
  return found
}

for (const [id, over, verdict, says] of TABLE)
  test(`check ${id}: ${verdict} where ${String(says)}`, () => {
    const result = resultOf(id, { ...WELL, ...over })
    assert.equal(result.verdict, verdict, result.detail)
    assert.match(result.detail, says)
  })

test('where all is well every check says so, and each has a case above in which it does not', () => {
  for (const stage of ['before', 'after'] as const)
    for (const { id, verdict, detail } of judge(WELL, stage)) assert.equal(verdict, 'ok', `${id}: ${detail}`)
  const bad = new Set(TABLE.filter(([, , verdict]) => verdict !== 'ok').map(([id]) => id))
  assert.deepEqual(
    Object.keys(CHECKS).filter((id) => !bad.has(id as CheckId)),
    [],
  )
})

test('what could not be read is unknown, never fine, and says why', () => {
  const parts = Object.entries(WELL).map(([key, value]) => [
    key,
    typeof value === 'object' && 'is' in value ? UNREAD : (value as unknown),
  ])
  const blind = Object.fromEntries(parts) as Survey
  for (const stage of ['before', 'after'] as const)
    for (const { id, verdict, detail } of judge(blind, stage))
      assert.deepEqual([verdict, detail], ['unknown', UNREAD.why], id)
})
