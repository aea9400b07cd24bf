import type { JsonObject } from '../json/value.ts'
import { objectOr, objectsOf, stringOr } from '../json/value.ts'

/** What a pod is a part of: the Deployment behind its ReplicaSet, not the ReplicaSet. */
export interface Workload {
  /** empty for a generated pod without owner (quirk 11) */
  readonly name: string
  readonly kind: string
  readonly apiVersion: string
}

/** Istio takes a Job for a CronJob's by this alone (quirk 8). */
const CRON_JOB_NAME = /^(.+)-\d{8,10}$/

/**
 * The workload that `pod` belongs to, from its controller and labels (injector.md §14). A pod with a name and without
 * `generateName` is its own workload whatever owns it, as with Istio (quirk 10).
 */
export function workloadOf(pod: JsonObject): Workload {
  const metadata = objectOr(pod['metadata'])
  const podName = stringOr(metadata['name']) ?? ''
  const itself: Workload = { name: podName, kind: 'Pod', apiVersion: 'v1' }
  if ((stringOr(metadata['generateName']) ?? '') === '') return itself
  const controller = objectsOf(metadata['ownerReferences']).find((owner) => owner['controller'] === true)
  if (controller === undefined) return itself
  const owner: Workload = {
    name: stringOr(controller['name']) ?? '',
    kind: stringOr(controller['kind']) ?? '',
    apiVersion: stringOr(controller['apiVersion']) ?? '',
  }
  const behind = behindOwner(owner, objectOr(metadata['labels']))
  return behind.name === '' ? { ...behind, name: podName } : behind
}

function behindOwner(owner: Workload, labels: JsonObject): Workload {
  switch (owner.kind) {
    case 'ReplicaSet': {
      const deployment = withoutHash(owner.name, labels['pod-template-hash'])
      if (deployment !== undefined) return { ...owner, name: deployment, kind: 'Deployment' }
      // the group is missing in Istio too; consumers know the value as it is (quirk 9)
      const rollout = withoutHash(owner.name, labels['rollouts-pod-template-hash'])
      if (rollout !== undefined) return { name: rollout, kind: 'Rollout', apiVersion: 'v1alpha1' }
      return owner
    }
    case 'ReplicationController': {
      const config = stringOr(labels['deploymentconfig']) ?? ''
      return config === '' ? owner : { ...owner, name: config, kind: 'DeploymentConfig' }
    }
    case 'Job': {
      const name = CRON_JOB_NAME.exec(owner.name)?.[1]
      return name === undefined ? owner : { name, kind: 'CronJob', apiVersion: 'batch/v1' }
    }
    default:
      return owner
  }
}

/** `name` less `-<hash>`; as it is where only the dash is missing; undefined where it does not end in the hash. */
function withoutHash(name: string, hash: unknown): string | undefined {
  if (typeof hash !== 'string' || hash === '' || !name.endsWith(hash)) return undefined
  return name.endsWith(`-${hash}`) ? name.slice(0, -hash.length - 1) : name
}

/** The value of ISTIO_META_OWNER: how the mesh's telemetry names the workload. */
export function ownerUrl(workload: Workload, namespace: string): string {
  const kind = workload.kind.toLowerCase()
  const place = namespace === '' ? 'default' : namespace
  return `kubernetes://apis/${workload.apiVersion}/namespaces/${place}/${kind}s/${workload.name}`
}

/** The workload of a document that is injected offline: the document itself (injector.md §18). */
export function workloadOfDocument(document: JsonObject): Workload {
  return {
    name: stringOr(objectOr(document['metadata'])['name']) ?? '',
    kind: stringOr(document['kind']) ?? '',
    apiVersion: stringOr(document['apiVersion']) ?? '',
  }
}
