import { InjectionRefusal } from '../refusal.ts'
import type { BuiltInTemplateName } from '../../vocabulary/template-names.ts'
import { gateway } from './gateway.ts'
import { grpcAgent } from './grpc-agent.ts'
import { grpcSimple } from './grpc-simple.ts'
import { sidecar } from './sidecar.ts'
import type { Template } from './template.ts'

/** A template of the gateway controller: whole documents, which no pod can be made of (injector.md §15). */
function forControllerOnly(template: string): Template {
  return () => {
    throw new InjectionRefusal({
      code: 'template_failed',
      args: { template, problem: 'it makes the documents of a Gateway, not a part of a pod' },
    })
  }
}

/** Istio's own templates by name, as typed code; a template of the settings with the same name replaces one. */
export const BUILT_IN_TEMPLATES: Readonly<Record<string, Template>> = {
  sidecar,
  gateway,
  'grpc-simple': grpcSimple,
  'grpc-agent': grpcAgent,
  waypoint: forControllerOnly('waypoint'),
  'kube-gateway': forControllerOnly('kube-gateway'),
  agentgateway: forControllerOnly('agentgateway'),
  'agentgateway-waypoint': forControllerOnly('agentgateway-waypoint'),
} satisfies Record<BuiltInTemplateName, Template>
