import type { JsonObject } from '../../json/value.ts'
import type { InjectorConfig } from '../../settings/injector-config.ts'
import { annotation } from '../pod-parts.ts'
import { InjectionRefusal } from '../refusal.ts'
import type { Template } from '../templates/template.ts'

/** A template under the name by which a pod or the settings ask for it. */
export interface NamedTemplate {
  readonly name: string
  readonly template: Template
}

/** Each name costs a merge of the whole pod, and an annotation has room for thousands. */
const MOST_TEMPLATES = 32

/**
 * The templates of `pod` in order: its annotation `inject.istio.io/templates`, else the default; an alias stands for its
 * list, once (injector.md §8). Throws `InjectionRefusal` for a name that is not in `known`, and for more names than anybody
 * can mean.
 */
export function templatesOf(
  pod: JsonObject,
  injector: InjectorConfig,
  known: ReadonlyMap<string, Template>,
): readonly NamedTemplate[] {
  const asked = annotation(pod, 'inject.istio.io/templates')
  const names = asked === undefined ? injector.defaultTemplates : asked.split(',').map((name) => name.trim())
  if (names.length > MOST_TEMPLATES)
    throw new InjectionRefusal({ code: 'templates_too_many', args: { count: names.length, most: MOST_TEMPLATES } })
  const aliases = new Map(Object.entries(injector.aliases))
  return names
    .flatMap((name) => aliases.get(name) ?? [name])
    .map((name) => {
      const template = known.get(name)
      if (template !== undefined) return { name, template }
      const all = [...known.keys()].toSorted().join(', ')
      throw new InjectionRefusal({ code: 'template_unknown', args: { template: name, known: all } })
    })
}
