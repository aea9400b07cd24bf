import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { nodePlatformOf, projectSystem } from '../../../src/core/checks/node-system.ts'
import { PLATFORMS } from '../../../src/core/conflist/platforms.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { NODE_PLATFORMS } from '../../../src/core/vocabulary/node-platforms.ts'

function node(name: string, nodeInfo: JsonObject, labels: JsonObject = {}): JsonObject {
  return { metadata: { name, labels }, status: { nodeInfo: { operatingSystem: 'linux', ...nodeInfo } } }
}

/** As the kubelets of each platform describe their node. */
const NODES: readonly (readonly [title: string | undefined, node: JsonObject])[] = [
  ['GKE Autopilot', node('gk3-c-pool-2-1f2e3d4c-x1y2', { kubeletVersion: 'v1.31.5-gke.1023000' })],
  ['GKE Standard', node('gke-c-default-pool-1f2e3d4c-x1y2', { kubeletVersion: 'v1.31.5-gke.1023000' })],
  ['Bottlerocket', node('ip-10-0-1-2.ec2.internal', { osImage: 'Bottlerocket OS 1.32.0 (aws-k8s-1.31)' })],
  [
    undefined,
    node('ip-10-0-1-3.ec2.internal', { osImage: 'Amazon Linux 2023.6', kubeletVersion: 'v1.31.4-eks-aeac579' }),
  ],
  ['AKS', node('aks-nodepool1-1', { osImage: 'Ubuntu 22.04.5 LTS' }, { 'kubernetes.azure.com/cluster': 'mc_a' })],
  ['OpenShift', node('worker-0', { osImage: 'Red Hat Enterprise Linux CoreOS 418.94.202501221327-0' })],
  [undefined, node('rhel', { osImage: 'Red Hat Enterprise Linux 9.5 (Plow)' })],
  ['k3s', node('pi', { kubeletVersion: 'v1.31.4+k3s1' })],
  [undefined, node('rke2', { kubeletVersion: 'v1.31.4+rke2r1' })],
  ['MicroK8s', node('m', {}, { 'microk8s.io/cluster': 'true' })],
  [
    'minikube (docker)',
    node('minikube', { containerRuntimeVersion: 'docker://27.4.1' }, { 'minikube.k8s.io/name': 'm' }),
  ],
  [undefined, node('minikube', { containerRuntimeVersion: 'containerd://1.7.24' }, { 'minikube.k8s.io/name': 'm' })],
  ['Talos', node('talos-1', { osImage: 'Talos (v1.9.1)' })],
  [undefined, node('kind-worker', { osImage: 'Debian GNU/Linux 12 (bookworm)', kubeletVersion: 'v1.34.0' })],
]

for (const [title, object] of NODES)
  test(`a node as ${JSON.stringify(object)} is recognised as ${title ?? 'none that needs a value'}`, () => {
    assert.equal(nodePlatformOf(projectSystem(object))?.title, title)
  })

test('every row is recognised above, and says no other values than the page for people', () => {
  const shown = new Set(NODES.map(([title]) => title))
  const page = readFileSync('docs/install.md', 'utf8').split('\n')
  const platforms: readonly string[] = PLATFORMS.map(({ name }) => name)
  for (const { title, values } of NODE_PLATFORMS) {
    assert.ok(shown.has(title), title)
    const row = page.find((line) => line.startsWith(`| ${title} |`)) ?? ''
    for (const value of values) {
      assert.ok(row.includes(`\`${value}\``), `docs/install.md does not say ${value} of ${title}: ${row}`)
      const [key, named = ''] = value.split('=')
      if (key === 'global.platform') assert.ok(platforms.includes(named), value)
    }
  }
})
