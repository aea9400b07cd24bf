import { annotationsOf, containersOf } from '../json/pod.ts'
import type { JsonObject } from '../json/value.ts'
import { CONTAINERS } from '../vocabulary/names.ts'
import { shown } from './source.ts'

/** Something that only a sidecar does, asked for by a pod: a row of the table below and what shows it. */
interface Need {
  readonly what: string
  readonly shows: (pod: JsonObject) => string | undefined
}

/** Under Istio's sidecar prefix, but no wish for one: opt-in and opt-out, and what an injector wrote. */
const NO_NEED = new Set(['sidecar.istio.io/inject', 'sidecar.istio.io/status'])

const annotation =
  (asks: (key: string) => boolean) =>
  (pod: JsonObject): string | undefined =>
    Object.keys(annotationsOf(pod)).find((key) => asks(key) && !NO_NEED.has(key))

const NEEDS: readonly Need[] = [
  {
    what: 'container',
    shows: (pod) =>
      containersOf(pod).find(({ list, name }) => list !== 'ephemeralContainers' && name === CONTAINERS.proxy)?.name,
  },
  { what: 'annotation', shows: annotation((key) => key === 'inject.istio.io/templates') },
  { what: 'annotation', shows: annotation((key) => key === 'proxy.istio.io/config') },
  // TPROXY is asked for by one of these, too: sidecar.istio.io/interceptionMode
  { what: 'annotation', shows: annotation((key) => key.startsWith('sidecar.istio.io/')) },
  { what: 'annotation', shows: annotation((key) => key.startsWith('traffic.sidecar.istio.io/')) },
]

/** What `pod` asks for that only a sidecar does, named for people; undefined where it asks for nothing of the kind. */
export function sidecarNeed(pod: JsonObject): string | undefined {
  for (const { what, shows } of NEEDS) {
    const found = shows(pod)
    if (found !== undefined) return `${what} ${shown(found)}`
  }
  return undefined
}
