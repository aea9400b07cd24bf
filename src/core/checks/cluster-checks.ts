import { objectOr, stringOr } from '../json/value.ts'
import { injectorsAsked, labelsForSelectors } from '../registration/injectors-asked.ts'
import { istioEntries, matchingEntries, sluiceEntries } from '../decision/selectors.ts'
import { nodeAgents, nodeAgentsInWords, otherAgentOf } from '../plan/node-agents.ts'
import { failed, type Finding, fine, given, listed, unknown, warning } from './finding.ts'
import type { Right, Survey } from './survey.ts'

const FIRST_MINOR = 30

export function kubernetesVersion({ version }: Survey): Finding {
  return given(version, (text) => {
    const match = /^v1\.(\d+)/.exec(text)
    if (match === null) return unknown(`the version reads ${text}`)
    return Number(match[1]) >= FIRST_MINOR ? fine(text) : failed(text)
  })
}

export function kubernetesPolicies({ admissionKinds }: Survey): Finding {
  return given(admissionKinds, (kinds) =>
    kinds.includes('validatingadmissionpolicies') ? fine() : failed('the API server does not serve it'),
  )
}

/** Every right that was asked about is there. */
export function rights(asked: readonly Right[]): Finding {
  const missing = asked.filter(({ allowed }) => !allowed).map(({ verb, resource }) => `${verb} ${resource}`)
  return missing.length === 0 ? fine(`${asked.length} rights`) : failed(`you may not: ${listed(missing)}`)
}

export function istioNamespace({ namespaces, istioNamespace: wanted }: Survey): Finding {
  return given(namespaces, (all) =>
    all.some(({ name }) => name === wanted) ? fine(wanted) : failed(`there is no namespace ${wanted}`),
  )
}

export function meshSettings({ problems }: Survey): Finding {
  return given(problems, (found) => withoutProblem(found.get('mesh')))
}

export function sluicePolicy({ problems }: Survey): Finding {
  return given(problems, (found) => withoutProblem(found.get('policy')))
}

function withoutProblem(problem: string | undefined): Finding {
  return problem === undefined ? fine() : failed(problem)
}

/** Another injector is asked about new pods of a namespace that our own table speaks for, by the namespace's labels alone. */
export function otherInjectors({ webhooks, namespaces, audience }: Survey): Finding {
  const entries = [...istioEntries(audience), ...sluiceEntries(audience)]
  return given(webhooks, (configurations) =>
    given(namespaces, (all) => {
      const contested = all.flatMap((namespace) => {
        const labels = labelsForSelectors({}, namespace)
        if (matchingEntries(entries, labels).length === 0) return []
        return injectorsAsked(configurations, labels)
          .filter(({ owner, verdict }) => owner !== 'Sluice' && verdict.is !== 'passes over')
          .map(({ entry }) => `${namespace.name} (${entry})`)
      })
      return contested.length === 0 ? fine() : warning(`both are asked about pods of ${listed(contested)}`)
    }),
  )
}

/** Another agent is there, or was: the detail says on which nodes, so that a move can be followed. */
export function otherAgents({ daemonSets, otherAgentPods, agentPods }: Survey): Finding {
  return given(daemonSets, (all) => {
    const found = all.flatMap((daemonSet) => {
      const other = otherAgentOf(daemonSet)
      const { namespace, name } = objectOr(daemonSet['metadata'])
      return other === undefined ? [] : [`${other} (${stringOr(namespace) ?? ''}/${stringOr(name) ?? ''})`]
    })
    return given(otherAgentPods, (others) =>
      given(agentPods, (own) => {
        const nodes = nodeAgents(others, own)
        if (found.length === 0 && !nodes.some(({ socketOwned }) => socketOwned)) return fine()
        const there = found.length === 0 ? [] : [`there is ${listed(found)}`]
        return warning([...there, ...nodeAgentsInWords(nodes, listed)].join('; '))
      }),
    )
  })
}

/** Keys of `cilium-config`, what they are where they are absent, and what they must be. */
const CILIUM = {
  exclusive: { key: 'cni-exclusive', absent: 'true', wanted: 'false' },
  socketLb: { key: 'bpf-lb-sock-hostns-only', absent: 'false', wanted: 'true' },
  masquerade: { key: 'enable-bpf-masquerade', absent: 'false', wanted: 'false' },
} as const

/** One setting of Cilium, where it runs. Only `cni.exclusive` is sure to break something. */
export function ciliumSetting({ cilium }: Survey, name: keyof typeof CILIUM): Finding {
  const { key, absent, wanted } = CILIUM[name]
  return given(cilium, (settings) => {
    if (settings === undefined) return fine('no Cilium')
    const value = settings[key] ?? absent
    if (value === wanted) return fine(`${key}=${value}`)
    const detail = `${key}=${value} in the ConfigMap kube-system/cilium-config`
    return name === 'exclusive' ? failed(detail) : warning(detail)
  })
}
