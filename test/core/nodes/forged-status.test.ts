import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { sentence } from '../../../src/core/vocabulary/reasons.ts'
import { agentPod, node, planFor } from './nodes-fixture.ts'

const FORGED: readonly { readonly name: string; readonly pod: JsonObject; readonly why: RegExp }[] = [
  {
    name: 'a bare pod',
    pod: agentPod('n', { over: { metadata: { ownerReferences: [] } } }),
    why: /not controlled by the DaemonSet/,
  },
  {
    name: 'a pod of a DaemonSet that was there before',
    pod: agentPod('n', {
      over: {
        metadata: {
          ownerReferences: [
            { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'sluice-agent', uid: 'old', controller: true },
          ],
        },
      },
    }),
    why: /not controlled by the DaemonSet/,
  },
  {
    name: 'a pod of another account',
    pod: agentPod('n', { over: { spec: { serviceAccountName: 'default' } } }),
    why: /does not run as the service account/,
  },
  {
    name: "another node's pod",
    pod: agentPod('m', { over: { spec: { nodeName: 'n' } } }),
    why: /runs on another node/,
  },
  {
    name: 'a mirror pod',
    pod: agentPod('n', { over: { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } } } }),
    why: /mirror pod/,
  },
]

for (const { name, pod, why } of FORGED)
  test(`the status of ${name} is not believed, and an alarm says why`, () => {
    const { steps, alarms } = planFor({ nodes: [node('n')], agentPods: [pod] })
    assert.deepEqual(
      steps.flatMap(({ labels }) => Object.keys(labels)),
      [],
    )
    assert.deepEqual(
      alarms.map(({ code }) => code),
      ['agent_disbelieved'],
    )
    assert.match(sentence(alarms[0] ?? assert.fail()), why)
  })
