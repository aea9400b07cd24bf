import { type JsonObject, stringOr } from '../../json/value.ts'
import { CONTAINERS } from '../../vocabulary/names.ts'
import type { Step } from '../draft.ts'
import { containersOf, type ListName, withList } from '../pod-parts.ts'

/** Puts the containers into the order in which they have to start (injector.md §11). */
export const CONTAINER_ORDER: Step = {
  name: 'container-order',
  follows: 'injector.md §11',
  apply: (draft, context) => {
    const hold =
      draft.proxyConfig['holdApplicationUntilProxyStarts'] === true ||
      context.settings.injectorValues.global.proxy.holdApplicationUntilProxyStarts
    const regular = hold
      ? sorted(draft.pod, 'containers', [CONTAINERS.proxy], [])
      : sorted(draft.pod, 'containers', [], [CONTAINERS.proxy])
    const native = containersOf(draft.pod, 'initContainers').some((container) => container['name'] === CONTAINERS.proxy)
    const pod = native
      ? sorted(
          regular,
          'initContainers',
          [CONTAINERS.init, CONTAINERS.validation, CONTAINERS.proxy, CONTAINERS.coreDump],
          [],
        )
      : sorted(regular, 'initContainers', [CONTAINERS.validation], [CONTAINERS.init, CONTAINERS.coreDump])
    return { ...draft, pod }
  },
}

/** `list` of `pod` with the containers named in `first` in front and those in `last` at the end, each in that order. */
function sorted(pod: JsonObject, list: ListName, first: readonly string[], last: readonly string[]): JsonObject {
  const containers = containersOf(pod, list)
  const named = (names: readonly string[]): readonly JsonObject[] =>
    names.flatMap((name) => containers.filter((container) => container['name'] === name))
  const rest = containers.filter((container) => ![...first, ...last].includes(stringOr(container['name']) ?? ''))
  const order = [...named(first), ...rest, ...named(last)]
  return order.every((container, index) => container === containers[index]) ? pod : withList(pod, list, order)
}
