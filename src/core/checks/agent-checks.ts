import { type JsonObject, objectOr, objectsOf, stringOr } from '../json/value.ts'
import { labelsOf, specOf } from '../json/pod.ts'
import {
  COMPONENT_LABEL,
  COMPONENTS,
  KUBERNETES_NAMES,
  NODE_LABEL_READY,
  NODE_LABELS,
  POD_CONDITIONS,
} from '../vocabulary/names.ts'
import { failed, type Finding, fine, given, listed, warning } from './finding.ts'
import type { Survey } from './survey.ts'
import { isReady, nameOf } from './webhook-checks.ts'

export function agentInstalled({ daemonSets, agentPods }: Survey): Finding {
  return given(daemonSets, (all) => {
    const agent = all.find((daemonSet) => labelsOf(daemonSet)[COMPONENT_LABEL] === COMPONENTS.agent)
    if (agent === undefined) return failed(`no DaemonSet is labelled ${COMPONENT_LABEL}=${COMPONENTS.agent}`)
    return given(agentPods, (pods) => {
      const wanted = objectOr(agent['status'])['desiredNumberScheduled']
      const unready = pods.filter((pod) => !isReady(pod)).map(unreadyText)
      const detail = `${pods.length - unready.length} of ${typeof wanted === 'number' ? wanted : pods.length} are ready`
      if (pods.length === 0) return failed(`no agent runs; ${detail}`)
      if (unready.length > 0) return failed(`${detail}; not ${listed(unready)}`)
      return typeof wanted === 'number' && pods.length < wanted ? failed(detail) : fine(detail)
    })
  })
}

/** Why a pod is not ready, as far as the API tells: what an agent measured stands in its own /readyz alone. */
function unreadyText(pod: JsonObject): string {
  const status = objectOr(pod['status'])
  const node = stringOr(specOf(pod)['nodeName'])
  const waiting = objectsOf(status['containerStatuses']).flatMap(
    ({ state }) => stringOr(objectOr(objectOr(state)['waiting'])['reason']) ?? [],
  )
  const runs = stringOr(status['phase']) === 'Running' ? 'it runs and says no' : 'it does not run'
  const reason = waiting[0] ?? (node === undefined ? 'no node takes it' : runs)
  return `${nameOf(pod)} (${node === undefined ? '' : `on ${node}: `}${reason})`
}

export function agentConditions({ daemonSets, agentPods }: Survey): Finding {
  return given(daemonSets, (all) => {
    const ztunnel = all.some((daemonSet) => labelsOf(daemonSet)[COMPONENT_LABEL] === COMPONENTS.ztunnel)
    if (!ztunnel) return fine('no ztunnel')
    return given(agentPods, (pods) => {
      const unable = pods.flatMap((pod) => {
        const condition = objectsOf(objectOr(pod['status'])['conditions']).find(
          ({ type }) => type === POD_CONDITIONS.ambient,
        )
        if (condition?.['status'] === 'True') return []
        const node = stringOr(specOf(pod)['nodeName']) ?? ''
        return [
          `${node} (${condition === undefined ? 'says nothing' : (stringOr(condition['reason']) ?? 'no reason')})`,
        ]
      })
      if (pods.length === 0) return warning('no agent runs that could say so')
      return unable.length === 0 ? fine(`${pods.length} agents`) : warning(listed(unable))
    })
  })
}

export function nodeCoverage({ nodes }: Survey): Finding {
  return given(nodes, (all) => {
    const usable = all.filter(({ linux, unschedulable }) => linux && !unschedulable)
    const without = usable.filter(({ labels }) => labels[NODE_LABELS.cni] !== NODE_LABEL_READY)
    const detail = `${usable.length - without.length} of ${usable.length} nodes carry ${NODE_LABELS.cni}=${NODE_LABEL_READY}`
    if (without.length === 0) return fine(detail)
    const names = listed(without.map(({ name }) => name))
    return without.length === usable.length ? failed(`${detail}; not ${names}`) : warning(`${detail}; not ${names}`)
  })
}

export function agentPodSecurity({ namespaces, daemonSets }: Survey): Finding {
  return given(namespaces, (all) =>
    given(daemonSets, (sets) => {
      const agent = sets.find((daemonSet) => labelsOf(daemonSet)[COMPONENT_LABEL] === COMPONENTS.agent)
      if (agent === undefined) return fine('no agent')
      const name = stringOr(objectOr(agent['metadata'])['namespace']) ?? ''
      const level = all.find((one) => one.name === name)?.labels[KUBERNETES_NAMES.podSecurityEnforce]
      if (level === 'privileged') return fine(name)
      return level === undefined
        ? warning(`${name} has no level of its own: the API server's default decides`)
        : failed(`${name} enforces ${level}`)
    }),
  )
}
