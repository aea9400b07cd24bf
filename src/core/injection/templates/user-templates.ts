import { type GoTemplate, parseTemplate, renderTemplate } from '../../gotemplate/gotemplate.ts'
import { TemplateError } from '../../gotemplate/template-error.ts'
import { record, typed, type Value } from '../../gotemplate/value.ts'
import { isObject, type Json, type JsonObject, objectOr } from '../../json/value.ts'
import type { InjectorConfig } from '../../settings/injector-config.ts'
import { parseYaml } from '../../settings/yaml.ts'
import { InjectionRefusal } from '../refusal.ts'
import { proxyImage } from './images.ts'
import { problemOfOverlay } from './overlay-fields.ts'
import { TEMPLATE_FUNCTIONS } from './go-functions.ts'
import type { Template, TemplateInput } from './template.ts'

/** A template of the settings that cannot be used, and where its text goes beyond what the interpreter knows. */
export interface TemplateProblem {
  readonly template: string
  readonly line: number
  readonly column: number
  readonly problem: string
}

interface UserTemplates {
  readonly templates: Readonly<Record<string, Template>>
  readonly problems: readonly TemplateProblem[]
}

/** Settings never change, so what is made of them is made once. */
const READ = new WeakMap<InjectorConfig, UserTemplates>()

/**
 * The templates that users added to the settings, by name (injector.md §8). One that cannot be used is there too: it refuses
 * the pods that ask for it, and those alone.
 */
export function userTemplates(injector: InjectorConfig): Readonly<Record<string, Template>> {
  return read(injector).templates
}

/** What is wrong with the templates of the settings: for the log, the metric, `/readyz?verbose` and `sluice explain`. */
export function templateProblems(injector: InjectorConfig): readonly TemplateProblem[] {
  return read(injector).problems
}

function read(injector: InjectorConfig): UserTemplates {
  const known = READ.get(injector)
  if (known !== undefined) return known
  const problems: TemplateProblem[] = []
  const templates = Object.fromEntries(
    Object.entries(injector.templates).map(([name, text]): [string, Template] => {
      try {
        return [name, userTemplate(name, parseTemplate(text, TEMPLATE_FUNCTIONS))]
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error
        const { line, column, problem, message } = error
        problems.push({ template: name, line, column, problem })
        return [name, () => refuse(name, message)]
      }
    }),
  )
  const made = { templates, problems }
  READ.set(injector, made)
  return made
}

function userTemplate(name: string, template: GoTemplate): Template {
  return (input) => {
    const overlay = parsed(name, rendered(name, template, input))
    const problem = problemOfOverlay(overlay)
    return problem === undefined ? overlay : refuse(name, problem)
  }
}

function rendered(name: string, template: GoTemplate, input: TemplateInput): string {
  try {
    return renderTemplate(template, dataOf(input))
  } catch (error) {
    if (error instanceof TemplateError) return refuse(name, error.message)
    throw error
  }
}

function parsed(name: string, text: string): JsonObject {
  let value: Json
  try {
    value = parseYaml(text)
  } catch (error) {
    return refuse(name, `what it renders is no YAML: ${firstLine(error)}`)
  }
  if (value === null) return {}
  return isObject(value) ? value : refuse(name, 'what it renders is no map')
}

/** The first line of the parser's message: the others draw the place, which is not one in the template. */
function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? ''
}

/** What Istio's templates see, under Istio's names. */
function dataOf(input: TemplateInput): Value {
  const { pod, context, proxyConfig, workload, ids, native } = input
  const { settings, podNamespace } = context
  return record({
    TypeMeta: typed({ kind: workload.kind, apiVersion: workload.apiVersion }),
    DeploymentMeta: typed({ name: workload.name, namespace: podNamespace }),
    ObjectMeta: typed({ ...objectOr(pod['metadata']) }),
    Spec: typed({ ...objectOr(pod['spec']) }),
    // the zero value of an enum is not written in JSON, but has a name
    ProxyConfig: typed({ interceptionMode: 'REDIRECT', ...proxyConfig }),
    MeshConfig: typed(settings.mesh),
    Values: settings.values,
    Revision: settings.revision || 'default',
    NativeSidecars: native,
    ProxyImage: proxyImage(input),
    ProxyUID: ids.uid,
    ProxyGID: ids.gid,
    CompliancePolicy: settings.compliancePolicy,
    InboundTrafficPolicyMode: settings.meshFields.inboundLocalhost ? 'LOCALHOST' : 'PASSTHROUGH',
  })
}

function refuse(template: string, problem: string): never {
  throw new InjectionRefusal({ code: 'template_failed', args: { template, problem } })
}
