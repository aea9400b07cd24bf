import { coded } from '../../core/explain/words.ts'
import { type NamespaceMove, type NamespacePlan, type Obstacle, orderOf } from '../../core/plan/namespace-plan.ts'
import { nodeAgentsInWords } from '../../core/plan/node-agents.ts'
import { nodeMovesInWords } from '../../core/plan/node-moves.ts'
import { remedy, sentence } from '../../core/vocabulary/reasons.ts'
import type { Command } from './command.ts'
import { LIVE_FLAGS, readLive } from './live.ts'
import { OUTPUT_FLAG, render } from './output.ts'
import { type DryRun, dryRun } from './plan/dry-run.ts'
import { type Plan, readPlan } from './plan/read-plan.ts'

type OrderedMove = NamespaceMove & { readonly namespace: string }

/** A move that nothing stands in the way of, and what the API server said to it; undefined where it was not asked. */
interface Step extends OrderedMove {
  readonly tried: readonly DryRun[] | undefined
}

export const planCommand: Command = {
  name: 'plan',
  positional: null,
  flags: [
    ...LIVE_FLAGS,
    {
      name: 'dry-run',
      value: null,
      help: 'let the API server create one pod of each workload that would move, as a dry run',
    },
    OUTPUT_FLAG,
  ],
  examples: ['kubectl sluice plan -A', 'kubectl sluice plan -n shop --dry-run', 'sluice plan -A -o json'],
  run: async (flags, _positional, io) => {
    const live = await readLive(flags, io)
    const plan = await readPlan(live)
    const steps: Step[] = []
    for (const move of orderOf(plan.namespaces)) {
      const tried = flags['dry-run'] === 'true' ? await dryRun(live.client, membersOf(move, plan), move.to) : undefined
      steps.push({ ...move, tried })
    }
    io.out(render(flags, reported(plan, steps), () => `${nodesText(plan.nodes)}${textOf(plan.namespaces, steps)}`))
    return steps.some(({ tried }) => tried?.some(({ passes }) => !passes) === true) ? 'refusal' : 'ok'
  },
}

function membersOf({ pods }: OrderedMove, plan: Plan): Parameters<typeof dryRun>[1] {
  return pods.flatMap((name) => {
    const pod = plan.pods.get(name)
    return pod === undefined ? [] : [[name, pod] as const]
  })
}

/** As programs get it; the keys are public API. */
function reported({ namespaces, nodes }: Plan, steps: readonly Step[]): Readonly<Record<string, unknown>> {
  const obstacle = ({ reason, pods }: Obstacle): Readonly<Record<string, unknown>> => ({
    reason: reason.code,
    message: sentence(reason),
    fix: remedy(reason),
    pods,
  })
  return {
    ...('problem' in nodes
      ? { nodes }
      : { nodes: nodes.agents, ...(nodes.moves === undefined ? {} : { nodeMoves: nodes.moves }) }),
    namespaces: namespaces.map(({ moves, ...rest }) => ({
      ...rest,
      moves: moves.map((move) => ({
        ...move,
        blockers: move.blockers.map(obstacle),
        cautions: move.cautions.map(obstacle),
      })),
    })),
    order: steps.map(({ namespace, to, go, back, tried }) => ({
      namespace,
      to,
      go,
      back,
      ...(tried === undefined ? {} : { dryRun: tried }),
    })),
  }
}

/** Who redirects where, and the commands of the move, while another agent is there; nothing where Sluice is alone. */
function nodesText(nodes: Plan['nodes']): string {
  if ('problem' in nodes) return `nodes: unknown: ${nodes.problem}\n\n`
  const moves = nodes.moves === undefined ? [] : nodeMovesInWords(nodes.moves)
  const isMixed = nodes.agents.some(({ agents, socketOwned }) => agents !== 'sluice' || socketOwned)
  if (!isMixed && moves.length === 0) return ''
  const words = [...nodeAgentsInWords(nodes.agents, (names) => names.join(', ')), ...moves]
  return `nodes:\n${words.map((line) => `  ${line}\n`).join('')}\n`
}

function textOf(namespaces: readonly NamespacePlan[], steps: readonly Step[]): string {
  if (namespaces.length === 0) return 'no pod of a mesh runs here\n'
  const order =
    steps.length === 0
      ? 'nothing can move before the obstacles above are gone\n'
      : `in this order:\n${steps.map((step, index) => stepText(step, index + 1)).join('')}`
  return `${namespaces.map(namespaceText).join('\n')}\n${order}`
}

function namespaceText({ namespace, modes, moves }: NamespacePlan): string {
  const counts = Object.entries(modes).map(([mode, count]) => `${count} ${mode}`)
  const head = `${namespace}: ${counts.join(', ')}\n`
  return `${head}${moves.length === 0 ? '  nothing to gain: every pod is ambient\n' : moves.map(moveText).join('')}`
}

function moveText({ to, pods, blockers, cautions }: NamespaceMove): string {
  const verdict = blockers.length === 0 ? 'nothing in the way' : 'blocked'
  const lines = [
    `  to ${to} (${pods.length} pods): ${verdict}`,
    ...blockers.flatMap((one) => obstacleLines('×', one)),
    ...cautions.flatMap((one) => obstacleLines('‼', one)),
  ]
  return `${lines.join('\n')}\n`
}

function obstacleLines(sign: string, { reason, pods }: Obstacle): readonly string[] {
  const fix = remedy(reason)
  const names = pods.length > 3 ? [...pods.slice(0, 3), `${pods.length - 3} more`] : pods
  return [
    `    ${sign} ${coded(reason)}`,
    ...(names.length === 0 ? [] : [`      for ${names.join(', ')}`]),
    ...(fix === null ? [] : [`      to do: ${fix}`]),
  ]
}

function stepText({ namespace, to, go, back, tried }: Step, number: number): string {
  const lines = [
    `  ${number}. ${namespace} to ${to}`,
    ...(tried ?? []).map(({ pod, passes, says }) => `     ${passes ? '√' : '×'} dry run of ${pod}: ${says}`),
    ...go.map((command) => `     ${command}`),
    ...back.map((command) => `     back: ${command}`),
  ]
  return `${lines.join('\n')}\n`
}
