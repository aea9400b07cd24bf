import { isList, isObject, type Json } from '../../json/value.ts'

/** What a part of a pod must be; a null, which deletes, is right everywhere. */
type Shape =
  | 'any'
  | 'string'
  | 'number'
  | 'boolean'
  | { readonly list: Shape }
  | { readonly map: Shape }
  | { readonly fields: Fields }
interface Fields {
  readonly [field: string]: Shape
}

const CONTAINERS: Shape = {
  list: {
    fields: {
      name: 'string',
      image: 'string',
      imagePullPolicy: 'string',
      restartPolicy: 'string',
      command: { list: 'string' },
      args: { list: 'string' },
      env: { list: { fields: { name: 'string', value: 'string', valueFrom: { map: 'any' } } } },
      ports: { list: { fields: { name: 'string', containerPort: 'number', hostPort: 'number', protocol: 'string' } } },
      volumeMounts: {
        list: { fields: { name: 'string', mountPath: 'string', subPath: 'string', readOnly: 'boolean' } },
      },
      resources: { fields: { limits: { map: 'any' }, requests: { map: 'any' } } },
      securityContext: {
        fields: {
          privileged: 'boolean',
          allowPrivilegeEscalation: 'boolean',
          readOnlyRootFilesystem: 'boolean',
          runAsNonRoot: 'boolean',
          runAsUser: 'number',
          runAsGroup: 'number',
          capabilities: { fields: { add: { list: 'string' }, drop: { list: 'string' } } },
        },
      },
    },
  },
}

const VOLUMES: Shape = {
  list: {
    fields: {
      name: 'string',
      configMap: { fields: { name: 'string', optional: 'boolean', defaultMode: 'number', items: { list: 'any' } } },
      secret: { fields: { secretName: 'string', optional: 'boolean', defaultMode: 'number', items: { list: 'any' } } },
      emptyDir: { fields: { medium: 'string' } },
      hostPath: { fields: { path: 'string', type: 'string' } },
      persistentVolumeClaim: { fields: { claimName: 'string', readOnly: 'boolean' } },
      csi: { fields: { driver: 'string', readOnly: 'boolean', volumeAttributes: { map: 'string' } } },
      projected: { fields: { defaultMode: 'number', sources: { list: { map: 'any' } } } },
    },
  },
}

/** Fields that templates say most and get wrong most: YAML turns `on`, `1` and `1.10` into what a label cannot be. */
const OVERLAY: Fields = {
  metadata: { fields: { labels: { map: 'string' }, annotations: { map: 'string' } } },
  spec: {
    fields: {
      containers: CONTAINERS,
      initContainers: CONTAINERS,
      volumes: VOLUMES,
      imagePullSecrets: { list: { fields: { name: 'string' } } },
      serviceAccountName: 'string',
      hostNetwork: 'boolean',
      securityContext: { fields: { runAsUser: 'number', runAsGroup: 'number', runAsNonRoot: 'boolean' } },
    },
  },
}

/**
 * What is wrong with the types in what a template says of a pod, or undefined. Istio reads the same text into a typed Pod
 * and refuses it; here the API server would, with a message that names no template.
 */
export function problemOfOverlay(overlay: Json): string | undefined {
  return problemOf(overlay, { fields: OVERLAY }, '')
}

function problemOf(value: Json | undefined, shape: Shape, path: string): string | undefined {
  if (value === null || value === undefined || shape === 'any') return undefined
  if (typeof shape === 'string')
    return typeof value === shape ? undefined : `${path} must be a ${shape}, not ${JSON.stringify(value).slice(0, 80)}`
  if ('list' in shape) {
    if (!isList(value)) return `${path} must be a list`
    return first(value.map((element, index) => [element, shape.list, `${path}[${index}]`]))
  }
  if (!isObject(value)) return `${path === '' ? 'it' : path} must be a map`
  const shapeOf = (key: string): Shape | undefined =>
    'map' in shape ? shape.map : Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined
  return first(Object.entries(value).map(([key, entry]) => [entry, shapeOf(key), path === '' ? key : `${path}.${key}`]))
}

type Question = readonly [value: Json | undefined, shape: Shape | undefined, path: string]

function first(questions: readonly Question[]): string | undefined {
  for (const [value, shape, path] of questions) {
    const problem = shape === undefined ? undefined : problemOf(value, shape, path)
    if (problem !== undefined) return problem
  }
  return undefined
}
