import { matchingEntries, istioEntries, sluiceEntries } from '../decision/selectors.ts'
import { objectOr, objectsOf, stringOr, type JsonObject } from '../json/value.ts'
import { foreignConditions, isLeftOutByName, labelsForSelectors } from '../registration/injectors-asked.ts'
import { installationName } from '../registration/webhook-configuration.ts'
import { ISTIO_LABELS, SLUICE_LABELS } from '../vocabulary/names.ts'
import { failed, type Finding, fine, given, listed, unknown, warning } from './finding.ts'
import type { Survey } from './survey.ts'

const DAY_MS = 86_400_000
const CA_DAYS = 14
const REPLICAS = 2

/** The name of an API object; empty where it has none. */
export function nameOf(object: JsonObject): string {
  return stringOr(objectOr(object['metadata'])['name']) ?? ''
}

export function webhookRegistered({ webhooks, audience }: Survey): Finding {
  const name = installationName('sluice', audience)
  return given(webhooks, (all) =>
    all.some((configuration) => nameOf(configuration) === name)
      ? fine()
      : failed(`there is no MutatingWebhookConfiguration ${name}`),
  )
}

export function webhookConditions({ webhooks }: Survey): Finding {
  return given(webhooks, (all) => {
    const found = foreignConditions(all)
    return found.length === 0 ? fine() : warning(listed(found))
  })
}

export function webhookCaBundle({ caBundles, now }: Survey): Finding {
  return given(caBundles, (bundles) => {
    const missing = bundles.filter(({ notAfter }) => notAfter === undefined).map(({ entry }) => entry)
    if (missing.length > 0) return failed(`no CA that can be read in ${listed(missing)}`)
    const [first] = bundles.flatMap(({ notAfter }) => notAfter ?? []).sort((a, b) => a - b)
    if (first === undefined) return failed('there is no entry')
    const ends = new Date(first).toISOString()
    if (first <= now) return failed(`a CA ended at ${ends}`)
    return first < now + CA_DAYS * DAY_MS ? warning(`a CA ends at ${ends}`) : fine(`valid to ${ends}`)
  })
}

/** Is a pod Ready? */
export function isReady(pod: JsonObject): boolean {
  return objectsOf(objectOr(pod['status'])['conditions']).some(
    ({ type, status }) => type === 'Ready' && status === 'True',
  )
}

export function webhookReplicas({ webhookPods }: Survey): Finding {
  return given(webhookPods, (pods) => {
    const ready = pods.filter(isReady).length
    const detail = `${ready} of ${pods.length} are ready`
    if (ready === 0) return failed(detail)
    return ready < REPLICAS ? warning(detail) : fine(detail)
  })
}

export function webhookAnswers({ probe, webhooks }: Survey): Finding {
  return given(probe, (shown) => {
    switch (shown.is) {
      case 'answered':
        return fine(`the pod would be ${shown.mode === 'none' ? 'left alone' : `mode ${shown.mode}`}`)
      case 'refused':
        return fine(`it refuses the pod: ${shown.message}`)
      case 'untouched':
        return webhooks.is === 'known' && isLeftOutByName(webhooks.value, shown.namespace)
          ? unknown(`the webhook is never asked about pods in ${shown.namespace}: name another namespace by -n`)
          : failed(`the pod came back untouched from ${shown.namespace}: the webhook was not asked, or failed open`)
      case 'failed':
        return failed(shown.message)
    }
  })
}

export function ownNamespace({ namespaces, sluiceNamespace, audience }: Survey): Finding {
  return given(namespaces, (all) => {
    const own = all.find(({ name }) => name === sluiceNamespace)
    if (own === undefined) return failed(`there is no namespace ${sluiceNamespace}`)
    const entries = [...istioEntries({ ...audience, namespacesByDefault: false }), ...sluiceEntries(audience)]
    if (matchingEntries(entries, labelsForSelectors({}, own)).length === 0) return fine()
    const keys: readonly string[] = [...Object.values(ISTIO_LABELS), ...Object.values(SLUICE_LABELS)]
    const labels = Object.entries(own.labels).filter(([key]) => keys.includes(key))
    return failed(`${sluiceNamespace} carries ${listed(labels.map(([key, value]) => `${key}=${value}`))}`)
  })
}

export function boundaryPolicies({ boundPolicies, audience }: Survey): Finding {
  const wanted = [installationName('sluice-guard', audience), 'sluice-seal', 'sluice-fence']
  return given(boundPolicies, (bound) => {
    const missing = wanted.filter((name) => !bound.includes(name))
    return missing.length === 0 ? fine() : failed(`not there, or bound by nothing: ${missing.join(', ')}`)
  })
}
