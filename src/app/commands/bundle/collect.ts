import { redact, redactText } from '../../../core/bundle/redact.ts'
import { judge } from '../../../core/checks/judge.ts'
import { containersOf } from '../../../core/json/pod.ts'
import { type JsonObject, objectOr, stringOr } from '../../../core/json/value.ts'
import { COMPONENT_LABEL, COMPONENTS, WEBHOOK_COMPONENT } from '../../../core/vocabulary/names.ts'
import type { ArchiveFile } from '../../../edge/archive/tar.ts'
import { hasStatus } from '../../../edge/cluster/api-error.ts'
import type { ClusterClient, Selection } from '../../../edge/cluster/client.ts'
import { listAll } from '../../../edge/cluster/list-all.ts'
import { pathOf, type Target, withQuery } from '../../../edge/cluster/resource.ts'
import { readSurvey, type SurveyOptions } from '../check/read-survey.ts'
import { reasonOf } from '../input.ts'
import { targetOf } from '../live.ts'
import { jsonText } from '../output.ts'

const LOG = { tailLines: 2000, limitBytes: 1024 * 1024 }

/** What is collected: never a Secret, and of ConfigMaps only those that decisions rest on. */
function wanted({
  installation,
}: SurveyOptions): readonly { readonly file: string; readonly target: Target; readonly selection?: Selection }[] {
  const { istioNamespace, sluiceNamespace } = installation
  const core = (plural: string, namespace?: string): Target => ({
    resource: { group: '', version: 'v1', plural },
    ...(namespace === undefined ? {} : { namespace }),
  })
  const admission = (plural: string): Target => ({
    resource: { group: 'admissionregistration.k8s.io', version: 'v1', plural },
  })
  const apps = (plural: string): Target => ({ resource: { group: 'apps', version: 'v1', plural } })
  return [
    { file: 'namespaces', target: core('namespaces') },
    { file: 'nodes', target: core('nodes') },
    { file: 'mutatingwebhookconfigurations', target: admission('mutatingwebhookconfigurations') },
    { file: 'validatingwebhookconfigurations', target: admission('validatingwebhookconfigurations') },
    { file: 'validatingadmissionpolicies', target: admission('validatingadmissionpolicies') },
    { file: 'validatingadmissionpolicybindings', target: admission('validatingadmissionpolicybindings') },
    { file: 'daemonsets', target: apps('daemonsets'), selection: OF_COMPONENTS },
    { file: 'deployments', target: apps('deployments'), selection: OF_COMPONENTS },
    { file: 'component-pods', target: core('pods'), selection: OF_COMPONENTS },
    { file: 'sluice-configmaps', target: core('configmaps', sluiceNamespace) },
    { file: 'istio-configmaps', target: core('configmaps', istioNamespace) },
    { file: 'sluice-events', target: core('events', sluiceNamespace) },
  ]
}

const OF_COMPONENTS: Selection = {
  labelSelector: `${COMPONENT_LABEL} in (${[...Object.values(COMPONENTS), WEBHOOK_COMPONENT].join(',')})`,
}

/** What was collected, and how much of what was asked for could not be read. */
export interface Collected {
  readonly files: readonly ArchiveFile[]
  readonly read: number
  readonly unread: number
}

/** Reads everything, redacted; what could not be read stands in `problems.txt`. */
export async function collect(options: SurveyOptions): Promise<Collected> {
  const { client, now } = options
  const problems: string[] = []
  const files: ArchiveFile[] = [json('check', judge(await readSurvey(options), 'after'))]
  const pods: JsonObject[] = []
  for (const { file, target, selection } of wanted(options)) {
    try {
      const objects = await listAll(client, target, selection)
      files.push(json(`objects/${file}`, objects.map(redact)))
      if (file === 'component-pods') pods.push(...objects)
    } catch (error) {
      if (!hasStatus(error, 404)) problems.push(`${file}: ${reasonOf(error)}`)
    }
  }
  for (const pod of pods) files.push(...(await logsOf(client, pod, problems)))
  // the check is there in any case
  const read = files.length - 1
  const about = `collected by sluice bundle at ${new Date(now).toISOString()}; values of environment variables and what looks like a secret are replaced\n`
  return {
    files: [
      { path: 'about.txt', text: about },
      ...files,
      { path: 'problems.txt', text: problems.map((one) => `${one}\n`).join('') },
    ],
    read,
    unread: problems.length,
  }
}

async function logsOf(client: ClusterClient, pod: JsonObject, problems: string[]): Promise<readonly ArchiveFile[]> {
  const { namespace, name } = objectOr(pod['metadata'])
  const podName = stringOr(name) ?? ''
  const target = { ...targetOf('Pod', stringOr(namespace) ?? '', podName), subresource: 'log' }
  const files: ArchiveFile[] = []
  for (const { name: container } of containersOf(pod)) {
    try {
      const text = await client.text(withQuery(pathOf(target), { container, ...LOG }))
      files.push({ path: `logs/${podName}.${container}.log`, text: redactText(text) })
    } catch (error) {
      problems.push(`log of ${podName} ${container}: ${reasonOf(error)}`)
    }
  }
  return files
}

function json(name: string, value: unknown): ArchiveFile {
  return { path: `${name}.json`, text: jsonText(value) }
}
