import type { JsonObject } from '../../json/value.ts'
import { annotation } from '../pod-parts.ts'
import type { AnnotationName } from '../../vocabulary/annotations.ts'
import { present, unlessBare, unlessZero } from './present.ts'
import type { TemplateInput } from './template.ts'

/** The port on which Envoy serves its own metrics. */
export const METRICS_PORT: JsonObject = { name: 'http-envoy-prom', containerPort: 15090, protocol: 'TCP' }

/** What the agent is started with, as `role`. */
export function proxyArguments(input: TemplateInput, role: 'sidecar' | 'router'): readonly string[] {
  const { pod } = input
  const { global } = input.context.settings.injectorValues
  const { proxy, logging, sts } = global
  return [
    'proxy',
    role,
    '--domain',
    `$(POD_NAMESPACE).svc.${proxy.clusterDomain}`,
    `--proxyLogLevel=${annotation(pod, 'sidecar.istio.io/logLevel') ?? proxy.logLevel}`,
    `--proxyComponentLogLevel=${annotation(pod, 'sidecar.istio.io/componentLogLevel') ?? proxy.componentLogLevel}`,
    `--log_output_level=${annotation(pod, 'sidecar.istio.io/agentLogLevel') ?? logging.level}`,
    ...(sts.servicePort === 0 ? [] : [`--stsPort=${sts.servicePort}`]),
    ...(global.logAsJson ? ['--log_as_json'] : []),
  ]
}

/** Is the proxy ready? `port` is Envoy's own or the agent's; annotations count only where `annotated`. */
export function readinessProbe(input: TemplateInput, port: number, annotated: boolean): JsonObject {
  const { proxy } = input.context.settings.injectorValues.global
  const number = (name: AnnotationName, otherwise: number): number | undefined => {
    const text = annotated ? annotation(input.pod, name) : undefined
    return unlessZero(text === undefined ? otherwise : Number(text))
  }
  return present({
    httpGet: { path: '/healthz/ready', port },
    initialDelaySeconds: number(
      'readiness.status.sidecar.istio.io/initialDelaySeconds',
      proxy.readinessInitialDelaySeconds,
    ),
    periodSeconds: number('readiness.status.sidecar.istio.io/periodSeconds', proxy.readinessPeriodSeconds),
    timeoutSeconds: 3,
    failureThreshold: number('readiness.status.sidecar.istio.io/failureThreshold', proxy.readinessFailureThreshold),
  })
}

/** The life cycle that the settings give the proxy in the place of Istio's own; an empty one is none. */
export function configuredLifecycle(input: TemplateInput): JsonObject | undefined {
  return unlessBare(input.context.settings.injectorValues.global.proxy.lifecycle ?? {})
}

/** A life cycle of one handler that runs a command. */
export function runs(event: 'postStart' | 'preStop', ...command: readonly string[]): JsonObject {
  return { [event]: { exec: { command } } }
}
