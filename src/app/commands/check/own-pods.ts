import { ownPod } from '../../../core/checks/own-pods.ts'
import type { OwnComponent, OwnPodTrial } from '../../../core/checks/survey.ts'
import { ApiError, hasStatus } from '../../../edge/cluster/api-error.ts'
import type { ClusterClient } from '../../../edge/cluster/client.ts'
import { CommandFailure } from '../command.ts'
import { targetOf } from '../live.ts'
import { askRights } from './rights.ts'

const IMAGE = 'never-pulled.invalid/sluice:1'

export interface OwnPodsOptions {
  readonly client: ClusterClient
  /** where each of them will be */
  readonly namespaces: Readonly<Record<OwnComponent, string>>
  /** a namespace without a level of Pod Security of its own, for those that are not there yet */
  readonly standIn: string | undefined
}

/** Creates the webhook's and the agent's pod as a dry run; throws where nobody can say whether they would be admitted. */
export async function tryOwnPods(options: OwnPodsOptions): Promise<readonly OwnPodTrial[]> {
  return await Promise.all((['webhook', 'agent'] as const).map(async (component) => await tryOne(component, options)))
}

async function tryOne(component: OwnComponent, { client, namespaces, standIn }: OwnPodsOptions): Promise<OwnPodTrial> {
  const namespace = namespaces[component]
  const trial = async (triedIn: string): Promise<OwnPodTrial> => ({
    ...{ component, namespace, triedIn },
    refusal: await refusalIn(client, triedIn, component),
  })
  try {
    return await trial(namespace)
  } catch (error) {
    if (!hasStatus(error, 404)) throw error
    if (standIn !== undefined) return await trial(standIn)
    throw new CommandFailure(
      `there is no namespace ${namespace}, and a dry run makes none: without a label, the level of Pod Security that is the cluster's default will decide; make it, and check again`,
    )
  }
}

async function refusalIn(
  client: ClusterClient,
  namespace: string,
  component: OwnComponent,
): Promise<string | undefined> {
  const [right] = await askRights(client, [{ verb: 'create', group: '', resource: 'pods', namespace }])
  if (right?.allowed !== true)
    throw new CommandFailure(`you may not create pods in ${namespace}, not even as a dry run`)
  try {
    await client.tryCreate(targetOf('Pod', namespace), ownPod(component, IMAGE))
    return undefined
  } catch (error) {
    // the account that every namespace gets comes a moment after it
    if (!(error instanceof ApiError) || error.message.includes('error looking up service account')) throw error
    if (![400, 403, 422].includes(error.status)) throw error
    return error.message.replace(/^.*? is forbidden: /, '')
  }
}
