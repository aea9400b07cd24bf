import type { JsonObject } from '../../json/value.ts'
import { isObject, objectOr, stringOr } from '../../json/value.ts'
import { annotation } from '../pod-parts.ts'
import { InjectionRefusal } from '../refusal.ts'
import type { TemplateInput } from './template.ts'

/** A volume of the proxy, and where the proxy mounts it. */
type Mount = JsonObject
type Volume = JsonObject

const IN_MEMORY: JsonObject = { emptyDir: { medium: 'Memory' } }

/** An empty directory that leaves its source open, so that another template may give one, such as a CSI driver. */
export function openVolume(name: string): Volume {
  return { name }
}

export function emptyVolume(name: string): Volume {
  return { name, emptyDir: {} }
}

export function memoryVolume(name: string): Volume {
  return { name, ...IN_MEMORY }
}

export function mount(name: string, mountPath: string): Mount {
  return { name, mountPath }
}

/** Istio's certificate of the workload: written by the agent, or by GKE's driver. */
export function workloadCertsVolume(input: TemplateInput, otherwise: (name: string) => Volume): Volume {
  if (!isGke(input)) return otherwise('workload-certs')
  return { name: 'gke-workload-certificate', csi: { driver: 'workloadcertificates.security.cloud.google.com' } }
}

export function workloadCertsMount(input: TemplateInput): Mount {
  const mountPath = '/var/run/secrets/workload-spiffe-credentials'
  if (!isGke(input)) return mount('workload-certs', mountPath)
  return { name: 'gke-workload-certificate', mountPath, readOnly: true }
}

function isGke(input: TemplateInput): boolean {
  return input.context.settings.injectorValues.global.caName === 'GkeWorkloadCertificate'
}

/** Does the proxy trust what istiod signs? */
export function trustsIstiod(input: TemplateInput): boolean {
  return input.context.settings.injectorValues.global.pilotCertProvider === 'istiod'
}

/** istiod's root certificate, from a ConfigMap or a ClusterTrustBundle; none where another signs. */
export function rootCertificateVolumes(input: TemplateInput, template: string): readonly Volume[] {
  if (!trustsIstiod(input)) return []
  const { global, pilot } = input.context.settings.injectorValues
  const name = 'istiod-ca-cert'
  const fromBundle = pilot.env.ENABLE_CLUSTER_TRUST_BUNDLE_API ?? false
  if (typeof fromBundle !== 'boolean') {
    const problem = 'values.pilot.env.ENABLE_CLUSTER_TRUST_BUNDLE_API must be true or false, without quotes'
    throw new InjectionRefusal({ code: 'template_failed', args: { template, problem } })
  }
  if (fromBundle) {
    const bundle = `istio.io:istiod-ca:${global.trustBundleName ?? 'root-cert'}`
    const sources = [{ clusterTrustBundle: { name: bundle, path: 'root-cert.pem' } }]
    return [{ name, projected: { sources } }]
  }
  return [{ name, configMap: { name: global.trustBundleName ?? 'istio-ca-root-cert' } }]
}

export const REVOCATION_VOLUME: Volume = { name: 'istio-ca-crl', configMap: { name: 'istio-ca-crl', optional: true } }

/** The pod's own labels and annotations, as files. */
export const POD_INFO_VOLUME: Volume = {
  name: 'istio-podinfo',
  downwardAPI: {
    items: [
      { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
      { path: 'annotations', fieldRef: { fieldPath: 'metadata.annotations' } },
    ],
  },
}

/** The token that proves to the CA who the pod is. */
export function tokenVolume(input: TemplateInput): Volume {
  const audience = input.context.settings.injectorValues.global.sds.token.aud
  const token = { path: 'istio-token', expirationSeconds: 43200, audience }
  return { name: 'istio-token', projected: { sources: [{ serviceAccountToken: token }] } }
}

export function bootstrapVolumes(input: TemplateInput): readonly Volume[] {
  const configMap = annotation(input.pod, 'sidecar.istio.io/bootstrapOverride')
  return configMap === undefined ? [] : [{ name: 'custom-bootstrap-volume', configMap: { name: configMap } }]
}

export function bootstrapMounts(input: TemplateInput): readonly Mount[] {
  return bootstrapVolumes(input).map(() => mount('custom-bootstrap-volume', '/etc/istio/custom-bootstrap'))
}

/** Certificates that the CA wrote into a Secret of the service account, where the settings ask for them. */
export function certsVolumes(input: TemplateInput): readonly Volume[] {
  if (!input.context.settings.injectorValues.global.mountMtlsCerts) return []
  const account = stringOr(objectOr(input.pod['spec'])['serviceAccountName']) ?? ''
  return [{ name: 'istio-certs', secret: { optional: true, secretName: `istio.${account || 'default'}` } }]
}

export function certsMounts(input: TemplateInput): readonly Mount[] {
  return certsVolumes(input).map(() => ({ ...mount('istio-certs', '/etc/certs/'), readOnly: true }))
}

/** The certificate with which the tracer Lightstep is reached. */
export function lightstepVolumes(input: TemplateInput): readonly Volume[] {
  if (lightstepDirectory(input) === undefined) return []
  return [{ name: 'lightstep-certs', secret: { optional: true, secretName: 'lightstep.cacert' } }]
}

export function lightstepMounts(input: TemplateInput): readonly Mount[] {
  const mountPath = lightstepDirectory(input)
  return mountPath === undefined ? [] : [{ ...mount('lightstep-certs', mountPath), readOnly: true }]
}

/** The directory of the tracer's CA certificate, with the slash at its end. */
function lightstepDirectory(input: TemplateInput): string | undefined {
  const tls = objectOr(input.proxyConfig['tracing'])['tlsSettings']
  if (input.context.settings.injectorValues.global.proxy.tracer !== 'lightstep' || !isObject(tls)) return undefined
  const path = stringOr(tls['caCertificates']) ?? ''
  return path.slice(0, path.lastIndexOf('/') + 1)
}

/** Secrets with which the images are pulled. */
export function pullSecrets(input: TemplateInput): readonly JsonObject[] {
  return input.context.settings.injectorValues.global.imagePullSecrets.map((name) => ({ name }))
}
