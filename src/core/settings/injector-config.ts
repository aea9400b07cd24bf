import type { JsonObject } from '../json/value.ts'
import { stringMap } from '../json/value.ts'
import { BUILT_IN_TEMPLATE_NAMES } from '../vocabulary/template-names.ts'
import type { InjectorValues } from './injector-values.ts'
import { listOf, map, mapOf, shape, text } from './reader.ts'

/** Istio's own label selector (matchLabels, matchExpressions), as in `neverInjectSelector`. */
export type LabelSelector = JsonObject

/** The key `config` of istiod's injector ConfigMap (injector.md §4), less the built-in templates. */
export interface InjectorConfig {
  readonly policy: string
  readonly defaultTemplates: readonly string[]
  readonly aliases: Readonly<Record<string, readonly string[]>>
  readonly neverInjectSelector: readonly LabelSelector[]
  readonly alwaysInjectSelector: readonly LabelSelector[]
  readonly injectedAnnotations: Readonly<Record<string, string>>
  /** Go templates that users added or put in the place of a built-in one, by name */
  readonly templates: Readonly<Record<string, string>>
}

const DEFAULT_TEMPLATES: readonly string[] = ['sidecar']

const readConfig = shape({
  policy: text(''),
  defaultTemplates: listOf(text('')),
  aliases: mapOf(listOf(text(''))),
  neverInjectSelector: listOf(map({})),
  alwaysInjectSelector: listOf(map({})),
  injectedAnnotations: mapOf(text('')),
  templates: mapOf(text('')),
})

/**
 * The injector's configuration from the `config` document. Without one it is made of `values`, as the chart makes it.
 *
 * A real ConfigMap holds Istio's own text of the built-in templates, which our typed code stands for. What tells a user's
 * replacement apart is `values.sidecarInjectorWebhook.templates`: the chart puts into `config` what is named there, and
 * writes the same into `values`. So a built-in name counts as replaced exactly if `values` names it.
 *
 * Throws `SettingsError` with the field's path.
 */
export function parseInjectorConfig(document: JsonObject | undefined, values: InjectorValues): InjectorConfig {
  const webhook = values.sidecarInjectorWebhook
  const config = document === undefined ? readConfig(fromValues(values), 'values') : readConfig(document, 'config')
  const replaced = Object.keys(webhook.templates)
  return {
    ...config,
    defaultTemplates: config.defaultTemplates.length === 0 ? DEFAULT_TEMPLATES : config.defaultTemplates,
    templates: stringMap(
      Object.fromEntries(
        Object.entries(config.templates).filter(([name]) => !isBuiltIn(name) || replaced.includes(name)),
      ),
    ),
  }
}

function fromValues(values: InjectorValues): JsonObject {
  const webhook = values.sidecarInjectorWebhook
  return { ...webhook, policy: values.global.proxy.autoInject }
}

function isBuiltIn(name: string): boolean {
  return (BUILT_IN_TEMPLATE_NAMES as readonly string[]).includes(name)
}
