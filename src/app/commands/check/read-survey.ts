import { projectSystem } from '../../../core/checks/node-system.ts'
import type { CaBundle, Known, Survey } from '../../../core/checks/survey.ts'
import type { Audience } from '../../../core/decision/selectors.ts'
import { labelsOf } from '../../../core/json/pod.ts'
import { type JsonObject, objectOr, objectsOf, stringMap, stringOr } from '../../../core/json/value.ts'
import { OTHER_AGENT_SELECTOR } from '../../../core/plan/node-agents.ts'
import { ENTRY_SUFFIX } from '../../../core/registration/webhook-configuration.ts'
import { COMPONENT_LABEL, COMPONENTS, KUBERNETES_NAMES, WEBHOOK_COMPONENT } from '../../../core/vocabulary/names.ts'
import { hasStatus } from '../../../edge/cluster/api-error.ts'
import type { ClusterClient, Selection } from '../../../edge/cluster/client.ts'
import { listAll } from '../../../edge/cluster/list-all.ts'
import { readCertificate, splitPem } from '../../../edge/tls/certificate.ts'
import { PROJECT } from '../../webhook/objects.ts'
import type { Installation } from '../../webhook/world.ts'
import { reasonOf } from '../input.ts'
import { audienceOf, worldOnce } from '../live.ts'
import { type OwnPodsOptions, tryOwnPods } from './own-pods.ts'
import { probe } from './probe-pod.ts'
import { askRights, installWants, READ_WANTS } from './rights.ts'

const ADMISSION = { group: 'admissionregistration.k8s.io', version: 'v1' }
const CORE = { group: '', version: 'v1' }

export interface SurveyOptions {
  readonly client: ClusterClient
  readonly installation: Installation
  /** where the pod of the dry run would be */
  readonly probeNamespace: string
  readonly now: number
}

/** Reads all that the checks look at; what cannot be read is unknown, with the reason. */
export async function readSurvey({ client, installation, probeNamespace, now }: SurveyOptions): Promise<Survey> {
  const all = async (group: { group: string; version: string }, plural: string, selection?: Selection) =>
    await known(listAll(client, { resource: { ...group, plural } }, selection))
  const component = (name: string): Selection => ({ labelSelector: `${COMPONENT_LABEL}=${name}` })
  const [webhooks, namespaces, nodes, bindings, daemonSets, otherAgentPods, agentPods, webhookPods] = await Promise.all(
    [
      all(ADMISSION, 'mutatingwebhookconfigurations'),
      all(CORE, 'namespaces'),
      all(CORE, 'nodes'),
      all(ADMISSION, 'validatingadmissionpolicybindings'),
      all({ group: 'apps', version: 'v1' }, 'daemonsets'),
      all(CORE, 'pods', { labelSelector: OTHER_AGENT_SELECTOR }),
      all(CORE, 'pods', component(COMPONENTS.agent)),
      all(CORE, 'pods', component(WEBHOOK_COMPONENT)),
    ],
  )
  const audience: Audience = audienceOf(installation, webhooks.is === 'known' ? webhooks.value : [])
  const [version, admissionKinds, installRights, readRights, problems, cilium, probed, ownPods] = await Promise.all([
    known(client.read('/version').then(({ gitVersion }) => stringOr(gitVersion) ?? '')),
    known(client.read('/apis/admissionregistration.k8s.io/v1').then(kindsOf)),
    known(askRights(client, installWants(installation.sluiceNamespace))),
    known(askRights(client, READ_WANTS)),
    known(problemsOf(client, installation)),
    known(ciliumConfig(client)),
    known(probe(client, probeNamespace, audience)),
    known(
      tryOwnPods({
        client,
        namespaces: ownNamespaces(installation, daemonSets),
        standIn: standInOf(namespaces, probeNamespace),
      }),
    ),
  ])
  return {
    now,
    audience,
    sluiceNamespace: installation.sluiceNamespace,
    istioNamespace: installation.istioNamespace,
    version,
    admissionKinds,
    installRights,
    readRights,
    namespaces: mapped(namespaces, (objects) => objects.map(PROJECT.Namespace)),
    nodes: mapped(nodes, (objects) => objects.map(PROJECT.Node)),
    nodeSystems: mapped(nodes, (objects) => objects.map(projectSystem)),
    problems,
    webhooks,
    caBundles: mapped(webhooks, caBundlesOf),
    boundPolicies: mapped(bindings, (objects) =>
      objects.flatMap(({ spec }) => stringOr(objectOr(spec)['policyName']) ?? []),
    ),
    daemonSets,
    cilium,
    otherAgentPods,
    agentPods,
    webhookPods,
    probe: probed,
    ownPods,
  }
}

/** An agent that is installed shows where it is by itself. */
function ownNamespaces(
  { sluiceNamespace, agentNamespace }: Installation,
  daemonSets: Known<readonly JsonObject[]>,
): OwnPodsOptions['namespaces'] {
  const sets = daemonSets.is === 'known' ? daemonSets.value : []
  const agent = sets.find((daemonSet) => labelsOf(daemonSet)[COMPONENT_LABEL] === COMPONENTS.agent)
  const found = stringOr(objectOr(agent?.['metadata'])['namespace']) ?? sluiceNamespace
  return { webhook: sluiceNamespace, agent: agentNamespace === '' ? found : agentNamespace }
}

/** The namespace of the dry run, where it has no level of Pod Security of its own: what is said there holds for new ones. */
function standInOf(namespaces: Known<readonly JsonObject[]>, probeNamespace: string): string | undefined {
  if (namespaces.is === 'unknown') return undefined
  const found = namespaces.value.find(({ metadata }) => objectOr(metadata)['name'] === probeNamespace)
  if (found === undefined) return undefined
  return Object.hasOwn(labelsOf(found), KUBERNETES_NAMES.podSecurityEnforce) ? undefined : probeNamespace
}

async function known<T>(reading: Promise<T>): Promise<Known<T>> {
  try {
    return { is: 'known', value: await reading }
  } catch (error) {
    return { is: 'unknown', why: reasonOf(error) }
  }
}

function mapped<T, U>(part: Known<T>, change: (value: T) => U): Known<U> {
  return part.is === 'known' ? { is: 'known', value: change(part.value) } : part
}

function kindsOf({ resources }: JsonObject): readonly string[] {
  return objectsOf(resources).flatMap(({ name }) => stringOr(name) ?? [])
}

async function problemsOf(client: ClusterClient, installation: Installation): Promise<ReadonlyMap<string, string>> {
  return (await worldOnce(client, installation)).problems()
}

async function ciliumConfig(client: ClusterClient): Promise<Readonly<Record<string, string>> | undefined> {
  const target = { resource: { ...CORE, plural: 'configmaps' }, namespace: 'kube-system', name: 'cilium-config' }
  try {
    return stringMap((await client.get(target))['data'])
  } catch (error) {
    if (hasStatus(error, 404)) return undefined
    throw error
  }
}

/** Of Sluice's own entries. The last day of the CA that lasts longest counts: old and new ones stand together. */
function caBundlesOf(configurations: readonly JsonObject[]): readonly CaBundle[] {
  return configurations
    .flatMap((configuration) => objectsOf(configuration['webhooks']))
    .flatMap((webhook) => {
      const entry = stringOr(webhook['name']) ?? ''
      if (!entry.endsWith(`.${ENTRY_SUFFIX}`)) return []
      const pem = Buffer.from(stringOr(objectOr(webhook['clientConfig'])['caBundle']) ?? '', 'base64').toString('utf8')
      const ends = splitPem(pem, 'CERTIFICATE').flatMap(endOf)
      return [{ entry, notAfter: ends.length === 0 ? undefined : Math.max(...ends) }]
    })
}

function endOf(pem: string): readonly number[] {
  try {
    return [readCertificate(pem).validToDate.getTime()]
  } catch {
    return []
  }
}
