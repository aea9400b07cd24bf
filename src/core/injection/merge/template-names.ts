import { type JsonObject, objectOr, stringOr } from '../../json/value.ts'
import type { InjectorConfig } from '../../settings/injector-config.ts'
import { InjectionRefusal } from '../refusal.ts'

/**
 * The templates of `pod` in order: its annotation `inject.istio.io/templates`, else the default; an alias stands for its
 * list, once (injector.md §8). Throws `InjectionRefusal` for a name that neither `builtIn` nor the settings know.
 */
export function templateNames(
  pod: JsonObject,
  injector: InjectorConfig,
  builtIn: readonly string[],
): readonly string[] {
  const asked = stringOr(objectOr(objectOr(pod['metadata'])['annotations'])['inject.istio.io/templates'])
  const names = asked === undefined ? injector.defaultTemplates : asked.split(',').map((name) => name.trim())
  const resolved = names.flatMap((name) =>
    Object.hasOwn(injector.aliases, name) ? (injector.aliases[name] ?? []) : [name],
  )
  const known = [...new Set([...builtIn, ...Object.keys(injector.templates)])].sort()
  const unknown = resolved.find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new InjectionRefusal({ code: 'template_unknown', args: { template: unknown, known: known.join(', ') } })
  return resolved
}
