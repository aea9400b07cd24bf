import { PLATFORMS, platformNamed, type Platform } from '../../src/core/conflist/platforms.ts'
import { VIRTUAL_NODE_LABELS } from '../../src/core/vocabulary/virtual-nodes.ts'
import { alertRules } from '../chart/alerts.ts'
import { dashboard } from '../chart/dashboard.ts'
import { ISTIO_CNI_REFUSALS, withRefused } from '../chart/istio-cni-values.ts'
import { VALUES_SCHEMA } from '../chart/values-schema.ts'
import { type ValueSchema, valuesText } from '../chart/values-text.ts'
import { registrationText } from '../chart/registration.ts'
import type { Page } from './page.ts'

const CHART = 'manifests/chart'

/** What the chart can be set to, and what its templates read from the tables of the code. */
export const CHART_PAGES: readonly Page[] = [
  {
    path: `${CHART}/files/registration.json`,
    text: async () => await Promise.resolve(registrationText()),
  },
  {
    path: `${CHART}/files/virtual-nodes.json`,
    text: async () => await Promise.resolve(awayFromVirtualNodes()),
  },
  {
    path: `${CHART}/files/platforms.json`,
    text: async () => await Promise.resolve(platformsText()),
  },
  {
    path: `${CHART}/files/istio-cni-values.json`,
    text: async () => await Promise.resolve(jsonText(ISTIO_CNI_REFUSALS)),
  },
  {
    path: `${CHART}/files/alerts.json`,
    text: async () => await Promise.resolve(jsonText(alertRules())),
  },
  {
    path: `${CHART}/files/dashboard.json`,
    text: async () => await Promise.resolve(jsonText(dashboard())),
  },
  {
    path: `${CHART}/values.yaml`,
    text: async () =>
      await Promise.resolve(
        `# made by \`npm run generate\` from scripts/chart/values-schema.ts\n${valuesText(VALUES_SCHEMA as ValueSchema)}`,
      ),
  },
  {
    path: `${CHART}/values.schema.json`,
    text: async () =>
      await Promise.resolve(
        jsonText({ $schema: 'http://json-schema.org/draft-07/schema#', ...withRefused(forPeople(VALUES_SCHEMA)) }),
      ),
  },
]

function jsonText(value: object): string {
  return `${JSON.stringify(value, null, 1)}\n`
}

/** Where each platform has what, by its name; `default` is what most of them have. */
function platformsText(): string {
  const rows = PLATFORMS.map((platform) => [platform.name, placesOf(platform)] as const)
  return jsonText({ default: placesOf(platformNamed('kind')), ...Object.fromEntries(rows) })
}

function placesOf({ binDir, confDir, netnsDir, placement }: Platform): object {
  return { binDir, confDir, netnsDir, placement }
}

/** Keeps the DaemonSet's pods off nodes that have no kernel for them. */
function awayFromVirtualNodes(): string {
  const away = VIRTUAL_NODE_LABELS.map(({ key, value }) => ({ key, operator: 'NotIn', values: [value] }))
  return jsonText(away)
}

/** A schema in which only what has no default is required: people say what differs. */
function forPeople(schema: object): object {
  const inside = Object.fromEntries(
    Object.entries(schema).map(([key, value]: readonly [string, unknown]) => [
      key,
      Array.isArray(value) || typeof value !== 'object' || value === null ? value : forPeople(value),
    ]),
  )
  const { required, properties } = inside as { readonly required?: unknown; readonly properties?: object }
  if (!Array.isArray(required) || properties === undefined) return inside
  const needed = Object.entries(properties).flatMap(([name, field]: readonly [string, object]) =>
    required.includes(name) && !('default' in field) && !('properties' in field) ? [name] : [],
  )
  return { ...inside, required: needed }
}
