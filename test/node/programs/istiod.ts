/**
 * `istiod.ts CERTIFICATE KEY PORT`: a stand-in for istiod's sidecar injector in CNI mode. It puts the same proxy and the same
 * check of redirection into every pod that it is asked about, as JSON Patch, and says so as istiod does.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { PROXY_IMAGE } from '../../../scripts/cluster/node-images.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'

interface Review {
  readonly request: {
    readonly uid: string
    readonly object: { readonly metadata: JsonObject; readonly spec: JsonObject }
  }
}

const [certificate = '', key = '', port = ''] = process.argv.slice(2)
const image = `${PROXY_IMAGE.hub}/proxyv2:${PROXY_IMAGE.tag}`
const securityContext = { runAsUser: 1337, runAsGroup: 1337, runAsNonRoot: true }
const PROXY = {
  ...{ name: 'istio-proxy', image, imagePullPolicy: 'Never', args: ['proxy', 'sidecar'], securityContext },
  readinessProbe: { httpGet: { path: '/healthz/ready', port: 15_021 }, periodSeconds: 1 },
}
const VALIDATION = {
  ...{ name: 'istio-validation', image, imagePullPolicy: 'Never', securityContext },
  args: ['istio-iptables', '--run-validation', '--skip-rule-apply'],
}
const STATUS = JSON.stringify({ initContainers: [VALIDATION.name], containers: [PROXY.name], revision: 'old' })

function patchFor({ metadata, spec }: Review['request']['object']): readonly JsonObject[] {
  const replaced = (of: JsonObject, name: string, path: string, value: unknown): JsonObject => ({
    op: of[name] === undefined ? 'add' : 'replace',
    path: `${path}/${name}`,
    value: value as JsonObject,
  })
  const annotations = { ...(metadata['annotations'] as JsonObject | undefined), 'sidecar.istio.io/status': STATUS }
  const listed = (name: string): readonly JsonObject[] => (spec[name] as readonly JsonObject[] | undefined) ?? []
  return [
    replaced(metadata, 'annotations', '/metadata', annotations),
    replaced(spec, 'initContainers', '/spec', [VALIDATION, ...listed('initContainers')]),
    replaced(spec, 'containers', '/spec', [...listed('containers'), PROXY]),
  ]
}

createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => {
  const parts: Buffer[] = []
  request
    .on('data', (part: Buffer) => parts.push(part))
    .on('end', () => {
      const { uid, object } = (JSON.parse(Buffer.concat(parts).toString()) as Review).request
      const patch = Buffer.from(JSON.stringify(patchFor(object))).toString('base64')
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          ...{ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' },
          response: { uid, allowed: true, patchType: 'JSONPatch', patch },
        }),
      )
    })
}).listen(Number(port))
