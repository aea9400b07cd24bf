import { annotationsOf, labelsOf } from '../json/pod.ts'
import { embeddedJson } from '../json/parse.ts'
import { isList, type JsonObject, objectOr } from '../json/value.ts'
import { goBoolean } from '../vocabulary/grammars.ts'
import type { Mode } from '../vocabulary/modes.ts'
import { CONTAINERS, ISTIO_ANNOTATIONS, ISTIO_LABELS } from '../vocabulary/names.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import { type Group, quoted } from './grammar.ts'
import { sidecarOfArguments, sidecarOfEnvironment } from './init-arguments.ts'
import type { AmbientIntent, Intent, IntentResult, SidecarIntent } from './intent.ts'
import { containerNamed, environmentOf, isOn, ownersOf, proxyOf, resolversOf } from './proxy-container.ts'
import { IntentRefusal, readIntent } from './refusal.ts'
import { INTERCEPTION, sidecarOfAnnotations, virtualInterfacesOf } from './traffic-annotations.ts'

/** Why a pod is left alone, in Istio's order (cni.md §2.4, 8): the first row that gives a reason decides. */
const SKIPS: readonly ((pod: JsonObject) => Reason | undefined)[] = [
  (pod) =>
    containerNamed(pod, CONTAINERS.init) === undefined ? undefined : { code: 'rules_by_init_container', args: {} },
  (pod) =>
    isOn(environmentOf(proxyOf(pod) ?? {}), 'DISABLE_ENVOY') ? { code: 'envoy_disabled', args: {} } : undefined,
  (pod) => (proxyOf(pod) === undefined ? { code: 'proxy_absent', args: {} } : undefined),
  otherProxyType,
  injectionOptOut,
  (pod) =>
    annotationsOf(pod)[ISTIO_ANNOTATIONS.status] === undefined ? { code: 'status_absent', args: {} } : undefined,
  // not in Istio's list: there a pod in this mode never starts (injector.md §20, quirk 15)
  (pod) => (annotationsOf(pod)[INTERCEPTION] === 'NONE' ? { code: 'interception_none', args: {} } : undefined),
]

/**
 * What a node is to redirect for `pod`, which may be injected by Istio alone: from the final `istio-proxy` and the annotations,
 * as Istio's CNI plugin reads them (cni.md §4.1). Ports, owner groups and the loopback network, which that plugin never sees,
 * are taken from the pod's own containers (quirk 26). DNS is captured whoever is asked, as the plugin does.
 */
export function intentOfPod(pod: JsonObject): IntentResult {
  for (const row of SKIPS) {
    const reason = row(pod)
    if (reason !== undefined) return { is: 'skip', reason }
  }
  return readIntent(() =>
    numeric(withProxy({ ...sidecarOfAnnotations(annotationsOf(pod)), ...unseen(pod) }, pod, 'all')),
  )
}

/**
 * What is to be redirected in `pod` as `mode` made it: the value of the annotation `sluice-mesh.io/intent`. In both sidecar
 * modes it is read from the arguments of the same init container (`istio-init` applies them, `istio-validation` only checks),
 * so that the node makes the rules that `istio-init` would have made.
 */
export function intentOfDecided(pod: JsonObject, mode: Mode): IntentResult {
  switch (mode) {
    case 'ambient':
      return readIntent(() => ambientOf(pod))
    case 'init':
      return readIntent(() => ofInitContainer(pod, CONTAINERS.init))
    case 'cni':
      return readIntent(() => {
        const intent = ofInitContainer(pod, CONTAINERS.validation)
        return intent.kind === 'sidecar' ? numeric(withProxy(intent, pod, 'resolvers')) : intent
      })
  }
}

/** The overrides of an ambient pod (cni.md §5.2); throws an IntentRefusal. */
function ambientOf(pod: JsonObject): AmbientIntent {
  const annotations = annotationsOf(pod)
  const dns = goBoolean(annotations[ISTIO_ANNOTATIONS.ambientDnsCapture] ?? '')
  return {
    kind: 'ambient',
    ingress: goBoolean(annotations[ISTIO_ANNOTATIONS.ambientBypassInbound] ?? '') ?? false,
    dns: dns === undefined ? 'node' : dns ? 'on' : 'off',
    virtualInterfaces: virtualInterfacesOf(annotations),
  }
}

/**
 * What the arguments of the init container say. Without the container nothing is to be intercepted (mode NONE; a template
 * such as `gateway`, whose injection named no such container), or it is lost.
 */
function ofInitContainer(pod: JsonObject, name: string): Intent {
  const container = containerNamed(pod, name)
  const proxy = proxyOf(pod)
  if (container !== undefined) return { ...ofArguments(container, pod), ...resolversOf(pod) }
  const mode = proxy === undefined ? undefined : environmentOf(proxy)['ISTIO_META_INTERCEPTION_MODE']
  if (mode === 'NONE' || injectedWithout(pod, name)) return { kind: 'none' }
  throw new IntentRefusal({ code: 'intent_unwritten', args: { container: name } })
}

/** What `container` is told; what is refused there bears the name of the annotation that said it, where one did. */
function ofArguments(container: JsonObject, pod: JsonObject): SidecarIntent {
  try {
    return sidecarOfArguments(argumentsOf(container), environmentOf(container), 'refused')
  } catch (error) {
    // the mode is judged elsewhere
    sidecarOfAnnotations({ ...annotationsOf(pod), [INTERCEPTION]: 'REDIRECT' })
    throw error
  }
}

/** Does the injection's own account of what it put into the pod leave out the container? */
function injectedWithout(pod: JsonObject, name: string): boolean {
  const text = annotationsOf(pod)[ISTIO_ANNOTATIONS.status]
  if (text === undefined) return false
  const named = objectOr(embeddedJson(text))['initContainers']
  return named !== undefined && !(isList(named) && named.includes(name))
}

/** `intent` for the proxy that the pod really has: its owners, and what its environment says. */
function withProxy(intent: SidecarIntent, pod: JsonObject, dns: 'all' | 'resolvers'): SidecarIntent {
  const environment = environmentOf(proxyOf(pod) ?? {})
  return {
    ...intent,
    ...ownersOf(pod),
    ...resolversOf(pod),
    dns: isOn(environment, 'ISTIO_META_DNS_CAPTURE') ? dns : 'off',
    dualStack: isOn(environment, 'ISTIO_DUAL_STACK'),
    dropInvalid: isOn(environment, 'INVALID_DROP'),
  }
}

/** What Istio's injector decided and its plugin cannot see. */
function unseen(pod: JsonObject): Partial<SidecarIntent> {
  const args = argumentsOf(containerNamed(pod, CONTAINERS.validation) ?? {})
  const { outboundPort, inboundPort } = sidecarOfArguments(args, {}, 'ignored')
  return { outboundPort, inboundPort, ...sidecarOfEnvironment(environmentOf(proxyOf(pod) ?? {})) }
}

/** A node cannot know the pod's group names: its image lists them, not the agent's. */
function numeric(intent: SidecarIntent): SidecarIntent {
  const groups: readonly Group[] = [
    ...(intent.ownerGroups === '*' ? [] : intent.ownerGroups),
    ...intent.ownerGroupsExcluded,
  ]
  const name = groups.find((group) => typeof group === 'string')
  if (name === undefined) return intent
  const problem = `names the group ${quoted(name)}, which only the pod's own image knows: give its number`
  throw new IntentRefusal({ code: 'intent_invalid', args: { field: 'ISTIO_OUTBOUND_OWNER_GROUPS', problem } })
}

function argumentsOf(container: JsonObject): readonly string[] {
  const args = container['args']
  return isList(args) ? args.filter((arg) => typeof arg === 'string') : []
}

function otherProxyType(pod: JsonObject): Reason | undefined {
  const [command, type] = argumentsOf(proxyOf(pod) ?? {})
  if (command !== 'proxy' || type === undefined || type === 'sidecar') return undefined
  return { code: 'proxy_not_sidecar', args: { type: quoted(type) } }
}

/** The label counts before the annotation, even when it is empty. */
function injectionOptOut(pod: JsonObject): Reason | undefined {
  const label = labelsOf(pod)[ISTIO_LABELS.inject]
  const by = label === undefined ? 'annotation' : 'label'
  const text = label ?? annotationsOf(pod)[ISTIO_LABELS.inject]
  return goBoolean(text ?? '') === false ? { code: 'injection_opted_out', args: { by } } : undefined
}
