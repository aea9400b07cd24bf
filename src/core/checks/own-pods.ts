import type { JsonObject } from '../json/value.ts'
import { ISTIO_LABELS } from '../vocabulary/names.ts'
import { failed, type Finding, fine, given } from './finding.ts'
import type { OwnComponent, OwnPodTrial, Survey } from './survey.ts'

const HOST_PATHS = {
  'cni-bin': '/opt/cni/bin',
  'cni-conf': '/etc/cni/net.d',
  'cni-cache': '/var/lib/cni',
  run: '/var/run/sluice',
  ztunnel: '/var/run/ztunnel',
  proc: '/proc',
  netns: '/var/run/netns',
} as const

/**
 * Of the pods that the chart makes, by its default values, what policies judge by. Their accounts are not there before the
 * installation, nor is their priority everywhere, and neither is asked for.
 */
const SPECS: Readonly<Record<OwnComponent, (container: JsonObject) => JsonObject>> = {
  webhook: (container) => ({
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65_532,
      runAsGroup: 65_532,
      fsGroup: 65_532,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        ...container,
        ports: [
          { name: 'https', containerPort: 15_017 },
          { name: 'metrics', containerPort: 15_014 },
        ],
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
      },
    ],
  }),
  agent: (container) => ({
    hostNetwork: true,
    containers: [
      {
        ...container,
        ports: [{ name: 'metrics', containerPort: 15_014 }],
        securityContext: {
          privileged: false,
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          runAsUser: 0,
          runAsGroup: 0,
          seccompProfile: { type: 'RuntimeDefault' },
          capabilities: { drop: ['ALL'], add: ['SYS_ADMIN', 'NET_ADMIN', 'SETUID', 'SETGID'] },
        },
      },
    ],
    volumes: Object.entries(HOST_PATHS).map(([name, path]) => ({
      name,
      hostPath: { path, type: name === 'proc' ? 'Directory' : 'DirectoryOrCreate' },
    })),
  }),
}

/** One of Sluice's own pods, for a dry run. */
export function ownPod(component: OwnComponent, image: string): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `sluice-${component}-check-`,
      labels: { [ISTIO_LABELS.inject]: 'false', [ISTIO_LABELS.dataplaneMode]: 'none' },
    },
    spec: SPECS[component]({ name: component, image }),
  }
}

export function ownPodsAdmitted({ ownPods }: Survey): Finding {
  return given(ownPods, (trials) => {
    const refused = trials.flatMap(({ refusal, ...trial }) => (refusal === undefined ? [] : [{ ...trial, refusal }]))
    if (refused.length > 0)
      return failed(
        refused
          .map((trial) => `the ${trial.component}'s pod is refused ${whereOf(trial)}: ${trial.refusal}`)
          .join('; '),
      )
    return fine([...new Set(trials.map(whereOf))].join(', '))
  })
}

function whereOf({ namespace, triedIn }: Omit<OwnPodTrial, 'refusal'>): string {
  if (triedIn === namespace) return `in ${namespace}`
  return `in ${triedIn}, which like a new namespace ${namespace} has no level of Pod Security of its own`
}
