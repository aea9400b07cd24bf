import { readFileSync } from 'node:fs'
import { istioEntries } from '../../../src/core/decision/selectors.ts'
import { parseJson } from '../../../src/core/json/parse.ts'
import { isObject, type Json, type JsonObject, objectOr, objectsOf, stringOr } from '../../../src/core/json/value.ts'
import {
  ENTRY_SUFFIX,
  type Registration,
  webhookConfiguration,
} from '../../../src/core/registration/webhook-configuration.ts'
import { NOT_A_MIRROR } from '../../../src/core/registration/mirror.ts'
import { KUBERNETES_NAMES } from '../../../src/core/vocabulary/names.ts'
import { jsonDifferences } from '../comparison/differences.ts'
import type { GoldenSet } from '../golden-set.ts'

const ISTIO_SUFFIX = 'sidecar-injector.istio.io'
const OWN_NAMESPACE = 'sluice-system'

/**
 * An installation to its whole webhook configurations. Name, labels and the entries of Sluice's own are not compared, since
 * istiod must not take them for its own; nor is what Sluice states and Istio leaves to the API server's defaults.
 */
export const WEBHOOKS: GoldenSet = {
  name: 'injection-webhooks',
  place: 'injection-webhooks.json',
  cases: (place) =>
    Object.entries(objectOr(parseJson(readFileSync(place, 'utf8')))).flatMap(([installation, configurations]) =>
      objectsOf(configurations).map((configuration) => ({
        name: `webhooks ${installation} ${stringOr(objectOr(configuration['metadata'])['name']) ?? ''}`,
        expected: objectsOf(configuration['webhooks']),
        actual: () => entriesFor(configuration),
      })),
    ),
  differences: (expected, actual) => jsonDifferences(expected, actual),
}

/** What Sluice registers for the installation that `golden` is of, in the golden's terms. */
function entriesFor(golden: JsonObject): Json {
  const registration = registrationOf(golden)
  const istio = new Set(istioEntries(registration.audience).map((entry) => `${entry.name}.${ENTRY_SUFFIX}`))
  return objectsOf(webhookConfiguration(registration)['webhooks'])
    .filter((entry) => istio.has(stringOr(entry['name']) ?? ''))
    .map(inIstiosTerms)
}

function registrationOf(golden: JsonObject): Registration {
  const labels = objectOr(objectOr(golden['metadata'])['labels'])
  const entries = objectsOf(golden['webhooks'])
  const names = entries.map((entry) => entry['name'])
  const client = objectOr(entries[0]?.['clientConfig'])
  const service = objectOr(client['service'])
  const url = stringOr(client['url'])
  const caBundle = stringOr(client['caBundle'])
  return {
    audience: {
      revision: stringOr(labels['istio.io/tag']) ?? stringOr(labels['istio.io/rev']) ?? '',
      isDefault: names.includes(`namespace.${ISTIO_SUFFIX}`),
      namespacesByDefault: names.includes(`auto.${ISTIO_SUFFIX}`),
    },
    client:
      url === undefined
        ? {
            is: 'service',
            name: stringOr(service['name']) ?? '',
            namespace: stringOr(service['namespace']) ?? '',
            port: Number(service['port']),
          }
        : { is: 'url', url: url.replace(/\/inject$/, '') },
    path: stringOr(service['path']) ?? '/inject',
    failurePolicy: entries[0]?.['failurePolicy'] === 'Ignore' ? 'Ignore' : 'Fail',
    reinvocationPolicy: entries[0]?.['reinvocationPolicy'] === 'IfNeeded' ? 'IfNeeded' : 'Never',
    timeoutSeconds: 10,
    ownNamespaces: [OWN_NAMESPACE],
    ...(caBundle === undefined ? {} : { caBundle }),
  }
}

function inIstiosTerms(entry: JsonObject): Json {
  // Istio's entries have none; the mirror of a static pod, which nothing can change, is the one pod that Sluice leaves out
  const { timeoutSeconds, matchPolicy, matchConditions, ...rest } = entry
  if (
    timeoutSeconds !== 10 ||
    matchPolicy !== 'Equivalent' ||
    JSON.stringify(matchConditions) !== JSON.stringify([NOT_A_MIRROR])
  )
    throw new Error("more than the API server's defaults is stated")
  return {
    ...rest,
    name: (stringOr(entry['name']) ?? '').replace(ENTRY_SUFFIX, ISTIO_SUFFIX),
    namespaceSelector: withoutOwnExclusion(objectOr(entry['namespaceSelector'])),
    rules: objectsOf(entry['rules']).map(({ scope, ...rule }) => (scope === 'Namespaced' ? rule : { ...rule, scope })),
  }
}

function withoutOwnExclusion(selector: JsonObject): JsonObject {
  const isOwn = (expression: Json): boolean =>
    isObject(expression) &&
    expression['key'] === KUBERNETES_NAMES.namespaceName &&
    JSON.stringify(expression['values']).includes(OWN_NAMESPACE)
  return { matchExpressions: objectsOf(selector['matchExpressions']).filter((expression) => !isOwn(expression)) }
}
