import type { JsonObject } from '../../../src/core/json/value.ts'

/** A small cluster as API objects: two nodes of which both have the agent, istiod's settings, a few namespaces. */
export function cluster(): readonly JsonObject[] {
  return [
    node('node-1'),
    node('node-2'),
    namespace('mesh', { 'istio-injection': 'enabled' }),
    namespace('restricted', { 'istio-injection': 'enabled', 'pod-security.kubernetes.io/enforce': 'restricted' }),
    namespace('ambient', { 'istio.io/dataplane-mode': 'ambient' }),
    namespace('plain', {}),
    daemonSet('sluice-agent'),
    daemonSet('ztunnel'),
    configMap('istio-system', 'istio', { mesh: 'rootNamespace: istio-system\ntrustDomain: cluster.local\n' }),
    configMap('istio-system', 'istio-sidecar-injector', {
      config: 'policy: enabled\ndefaultTemplates: [sidecar]\n',
      values: '{"global":{"hub":"example.com/istio","tag":"1.32.0"}}',
    }),
  ]
}

export function node(name: string, ready: readonly ('cni' | 'ambient')[] = ['cni', 'ambient']): JsonObject {
  const able = Object.fromEntries(ready.map((mode) => [`sluice-mesh.io/${mode}`, 'ready']))
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/os': 'linux', ...able } },
    status: { conditions: [{ type: 'Ready', status: 'True' }], nodeInfo: { kubeletVersion: 'v1.34.0' } },
  }
}

export function namespace(name: string, labels: Readonly<Record<string, string>>): JsonObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }
}

export function daemonSet(component: string): JsonObject {
  const metadata = { name: component, namespace: 'x', labels: { 'app.kubernetes.io/name': component } }
  return { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata }
}

export function configMap(space: string, name: string, data: Readonly<Record<string, string>>): JsonObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: space }, data }
}

/** A pod as the API server sends it to webhooks, some 2.6 KB of review; with a field that nobody knows. */
export function pod(over: { readonly metadata?: JsonObject; readonly spec?: JsonObject } = {}): JsonObject {
  const probe = { httpGet: { path: '/healthz', port: 8080, scheme: 'HTTP' }, periodSeconds: 10, timeoutSeconds: 1 }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: 'web-7d4b9c6f5d-',
      labels: { app: 'web', 'pod-template-hash': '7d4b9c6f5d', version: 'v1' },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-7d4b9c6f5d', uid: 'c1b2', controller: true },
      ],
      ...over.metadata,
    },
    spec: {
      containers: [
        {
          name: 'web',
          image: 'example.com/web:1.2.3',
          ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
          env: [
            { name: 'PASSWORD', value: 'hunter2' },
            { name: 'POD_IP', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } },
          ],
          resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
          readinessProbe: probe,
          livenessProbe: probe,
          madeUp: { survives: [12345678901234567890n.toString(), 1.5] },
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
          imagePullPolicy: 'IfNotPresent',
          securityContext: { capabilities: { drop: ['ALL'] }, runAsNonRoot: true },
          volumeMounts: [{ name: 'token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }],
        },
      ],
      volumes: [
        {
          name: 'token',
          projected: {
            defaultMode: 420,
            sources: [
              { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
              { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
              {
                downwardAPI: {
                  items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
                },
              },
            ],
          },
        },
      ],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccount: 'web',
      schedulerName: 'default-scheduler',
      priority: 0,
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
      serviceAccountName: 'web',
      tolerations: [
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
        { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
      ],
      ...over.spec,
    },
    status: {},
  }
}

export const UID = '705ab4f5-6393-11e8-b7cc-42010a800002'

/** The review of the creation of `object` in `space`. */
export function review(object: JsonObject, space = 'mesh', over: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: UID,
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      requestKind: { group: '', version: 'v1', kind: 'Pod' },
      requestResource: { group: '', version: 'v1', resource: 'pods' },
      namespace: space,
      operation: 'CREATE',
      userInfo: {
        username: 'system:serviceaccount:kube-system:replicaset-controller',
        groups: ['system:authenticated'],
      },
      object,
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
      ...over,
    },
  }
}
