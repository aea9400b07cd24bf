import { type Finding, fine, given, listed, warning } from './finding.ts'
import { nodePlatformOf, type NodeSystem, virtualPlatformOf } from './node-system.ts'
import type { Survey } from './survey.ts'

type Version = readonly number[]

const FIRST_KERNEL: Version = [5, 2]

/** Runtimes that give plugins the annotations of pods, by the scheme of their version, with the first that is known to. */
const FIRST_RUNTIMES: ReadonlyMap<string, Version> = new Map([
  ['containerd', [1, 6, 20]],
  ['cri-o', [1, 29]],
])

/** The kernel alone is judged here; what works in it is measured by the node's agent. */
export function nodeKernel(survey: Survey): Finding {
  return eachAgentNode(survey, ({ kernel }) => {
    const version = versionOf(kernel)
    if (version === undefined) return { is: 'unknown', says: kernel === '' ? 'its kernel is not told' : kernel }
    return { is: reaches(version, FIRST_KERNEL) ? 'well' : 'not', says: kernel }
  })
}

export function nodeRuntime(survey: Survey): Finding {
  return eachAgentNode(survey, ({ runtime }) => {
    const [, scheme = '', rest = ''] = /^([a-z0-9-]+):\/\/(.*)$/.exec(runtime) ?? []
    if (scheme === '') return { is: 'unknown', says: runtime === '' ? 'its runtime is not told' : runtime }
    const first = FIRST_RUNTIMES.get(scheme)
    // of another runtime nothing is known
    if (first === undefined) return { is: 'not', says: runtime }
    const version = versionOf(rest)
    if (version === undefined) return { is: 'unknown', says: runtime }
    return { is: reaches(version, first) ? 'well' : 'not', says: runtime }
  })
}

/** Which values of the chart the nodes ask for. That they are set cannot be known before the installation. */
export function nodePlatform({ nodeSystems }: Survey): Finding {
  return given(nodeSystems, (all) => {
    const agents = agentNodes(all)
    const virtual = all.filter((node) => virtualPlatformOf(node) !== undefined)
    const left =
      virtual.length === 0
        ? []
        : [`left out: ${listed(virtual.map((node) => inBrackets(node, virtualPlatformOf(node))))}`]
    if (agents.length === 0)
      return warning(['no node can have an agent: cni.enabled=false, and pods get init', ...left].join('; '))
    const found = [...Map.groupBy(agents, nodePlatformOf)].flatMap(([platform, nodes]) => {
      if (platform === undefined) return []
      const todo = [platform.values.join(', '), platform.besides].filter((part) => part !== '')
      return [`${platform.title} (${listed(nodes.map(({ name }) => name))}): ${todo.join('; ')}`]
    })
    const detail = [...found, ...left].join('; ')
    return found.length === 0 ? fine(detail) : warning(detail)
  })
}

interface Judged {
  readonly is: 'well' | 'not' | 'unknown'
  readonly says: string
}

/** A node that does not do outweighs one of which nothing is told; both are named. */
function eachAgentNode({ nodeSystems }: Survey, judge: (node: NodeSystem) => Judged): Finding {
  return given(nodeSystems, (all) => {
    const judged = agentNodes(all).map((node) => ({ node, ...judge(node) }))
    const those = (is: Judged['is']): readonly string[] =>
      judged.filter((one) => one.is === is).map(({ node, says }) => inBrackets(node, says))
    const [not, unknown] = [those('not'), those('unknown')]
    if (not.length === 0 && unknown.length === 0)
      return fine(listed([...new Set(judged.map(({ says }) => says))].toSorted()))
    const detail = `${not.length + unknown.length} of ${judged.length} nodes: ${listed([...not, ...unknown])}`
    return not.length > 0 ? warning(detail) : { verdict: 'unknown', detail }
  })
}

function agentNodes(all: readonly NodeSystem[]): readonly NodeSystem[] {
  return all.filter((node) => node.linux && virtualPlatformOf(node) === undefined)
}

function inBrackets({ name }: NodeSystem, text = ''): string {
  return `${name} (${text})`
}

/** The numbers that a version begins with; undefined where it begins with no two. */
function versionOf(text: string): Version | undefined {
  const match = /^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(text)
  return match === null ? undefined : match.slice(1).map((part) => Number((part as string | undefined) ?? 0))
}

function reaches(version: Version, first: Version): boolean {
  const differs = first.findIndex((part, index) => (version[index] ?? 0) !== part)
  return differs === -1 || (version[differs] ?? 0) > (first[differs] ?? 0)
}
