import { type CheckId, CHECKS, type CheckRow } from '../vocabulary/checks.ts'
import { agentConditions, agentInstalled, agentPodSecurity, nodeCoverage } from './agent-checks.ts'
import {
  ciliumSetting,
  istioNamespace,
  kubernetesPolicies,
  kubernetesVersion,
  meshSettings,
  otherAgents,
  otherInjectors,
  rights,
  sluicePolicy,
} from './cluster-checks.ts'
import { type Finding, given } from './finding.ts'
import { nodeKernel, nodePlatform, nodeRuntime } from './node-checks.ts'
import { ownPodsAdmitted } from './own-pods.ts'
import type { Survey } from './survey.ts'
import {
  boundaryPolicies,
  ownNamespace,
  webhookAnswers,
  webhookCaBundle,
  webhookConditions,
  webhookRegistered,
  webhookReplicas,
} from './webhook-checks.ts'

/** A check with how it came out. */
export interface CheckResult extends Finding {
  readonly id: CheckId
}

/** How each check is judged; the compiler names a row that has no judgement. */
const JUDGE: Readonly<Record<CheckId, (survey: Survey) => Finding>> = {
  'kubernetes-version': kubernetesVersion,
  'kubernetes-policies': kubernetesPolicies,
  'install-rights': ({ installRights }) => given(installRights, rights),
  'own-pods-admitted': ownPodsAdmitted,
  'read-rights': ({ readRights }) => given(readRights, rights),
  'istio-namespace': istioNamespace,
  'mesh-settings': meshSettings,
  'sluice-policy': sluicePolicy,
  'other-injectors': otherInjectors,
  'other-agents': otherAgents,
  'node-kernel': nodeKernel,
  'node-runtime': nodeRuntime,
  'node-platform': nodePlatform,
  'cilium-exclusive': (survey) => ciliumSetting(survey, 'exclusive'),
  'cilium-socket-lb': (survey) => ciliumSetting(survey, 'socketLb'),
  'cilium-masquerade': (survey) => ciliumSetting(survey, 'masquerade'),
  'webhook-registered': webhookRegistered,
  'webhook-conditions': webhookConditions,
  'webhook-ca-bundle': webhookCaBundle,
  'webhook-replicas': webhookReplicas,
  'webhook-answers': webhookAnswers,
  'own-namespace': ownNamespace,
  'boundary-policies': boundaryPolicies,
  'agent-installed': agentInstalled,
  'agent-conditions': agentConditions,
  'node-coverage': nodeCoverage,
  'agent-pod-security': agentPodSecurity,
}

/** Every check of a stage, in the order of the table. */
export function judge(survey: Survey, stage: 'before' | 'after'): readonly CheckResult[] {
  return (Object.keys(CHECKS) as CheckId[])
    .filter((id) => {
      const row: CheckRow = CHECKS[id]
      return row.stage === 'always' || row.stage === stage
    })
    .map((id) => ({ id, ...JUDGE[id](survey) }))
}
