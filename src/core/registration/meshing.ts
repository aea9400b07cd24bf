import { FAMILIES, MODES_OF } from '../vocabulary/modes.ts'
import { ISTIO_LABELS, SLUICE_LABELS } from '../vocabulary/names.ts'
import type { Named } from './admission-policy.ts'
import { list, quote } from './cel.ts'
import { type GuardKey, lineHolds } from './guard-keys.ts'

const MODE = quote(SLUICE_LABELS.mode)
const INJECTION = quote(ISTIO_LABELS.injection)
const REVISION = quote(ISTIO_LABELS.revision)
const INJECT = quote(ISTIO_LABELS.inject)
const DATAPLANE = quote(ISTIO_LABELS.dataplaneMode)

/**
 * Who leaves the pod out of the mesh, if anybody does: `decide`'s own rules (core/decision: aim, labels-ask, wish) as
 * variables of a policy. The last one, `out`, is `pod` for an opt-out of the pod itself, `other` where its namespace, the
 * policy or istiod's injector says so, and empty where it is to be meshed. A test asks the API server and `decide` about the same pods.
 *
 * Expects the variables `labels`, `annotations` and `namespaceLabels`; `said` gives the expression of a flat key.
 */
export function outVariables(said: (key: GuardKey) => string): readonly Named[] {
  const variable = (name: string, ...expression: readonly string[]): Named => ({
    name,
    expression: expression.join('\n'),
  })
  const families = FAMILIES.map((family) => `variables.wish in ${list(MODES_OF[family])} ? ${quote(family)} :`)
  return [
    variable(
      'wish',
      `${MODE} in variables.labels ? variables.labels[${MODE}] :`,
      `${MODE} in variables.namespaceLabels ? variables.namespaceLabels[${MODE}] :`,
      said('defaultMode'),
    ),
    variable(
      'wishBy',
      `${MODE} in variables.labels ? 'pod' : ${MODE} in variables.namespaceLabels ? 'namespace' : 'policy'`,
    ),
    variable('wishFamily', ...families, "''"),
    variable(
      'inject',
      `${INJECT} in variables.labels ? variables.labels[${INJECT}] :`,
      `${INJECT} in variables.annotations ? variables.annotations[${INJECT}] : ''`,
    ),
    variable('never', selectorsHold(said('neverInject'))),
    variable('always', selectorsHold(said('alwaysInject'))),
    variable(
      'sidecarBy',
      "variables.inject == 'false' ? '' :",
      `${INJECTION} in variables.namespaceLabels ? (variables.namespaceLabels[${INJECTION}] == 'enabled' ? 'namespace' : '') :`,
      `${REVISION} in variables.namespaceLabels ? 'namespace' :`,
      `${REVISION} in variables.labels ? 'pod' :`,
      `variables.inject == 'true' ? (${INJECT} in variables.labels ? 'pod' : '') :`,
      "variables.always && !variables.never ? 'injector' : ''",
    ),
    variable('podDataplane', `variables.labels[?${DATAPLANE}].orValue('')`),
    variable('namespaceDataplane', `variables.namespaceLabels[?${DATAPLANE}].orValue('')`),
    variable(
      'ambientBy',
      "variables.podDataplane == 'ambient' ? 'pod' :",
      "variables.podDataplane != 'none' && variables.namespaceDataplane == 'ambient' ? 'namespace' : ''",
    ),
    variable(
      'noAmbientBy',
      "variables.podDataplane == 'none' ? 'pod' :",
      "variables.podDataplane != 'ambient' && variables.namespaceDataplane == 'none' ? 'namespace' : ''",
    ),
    variable(
      'outBy',
      "variables.inject == 'false' ? 'pod' :",
      "variables.noAmbientBy != '' && (variables.wish == 'ambient' || variables.namespaceDataplane == 'ambient') && !(variables.wishBy == 'pod' && variables.noAmbientBy == 'namespace') ? variables.noAmbientBy :",
      `${INJECTION} in variables.namespaceLabels && variables.namespaceLabels[${INJECTION}] != 'enabled' ? 'namespace' : ''`,
    ),
    variable(
      'asked',
      "variables.sidecarBy != '' ? 'sidecar' : variables.ambientBy != '' ? 'ambient' : variables.outBy != '' ? 'out' : ''",
    ),
    variable(
      'askedBy',
      "variables.sidecarBy != '' ? variables.sidecarBy : variables.ambientBy != '' ? variables.ambientBy : variables.outBy",
    ),
    variable(
      'contradicted',
      "variables.wishBy != 'policy' && variables.asked != '' && (",
      "variables.asked == 'out' ? variables.wish != 'none' && !(variables.wishBy == 'namespace' && variables.askedBy == 'pod') :",
      "variables.wish == 'none' ? !(variables.wishBy == 'pod' && variables.askedBy != 'pod') :",
      "variables.wishFamily != '' && variables.wishFamily != variables.asked)",
    ),
    variable('labelsWin', `variables.contradicted && ${said('contradiction')} == 'labels'`),
    variable('followedWish', "variables.labelsWin ? 'auto' : variables.wish"),
    variable('followedAsk', "variables.contradicted && !variables.labelsWin ? '' : variables.asked"),
    variable('explicit', "!variables.labelsWin && variables.wishBy != 'policy'"),
    variable(
      'injectorLeaves',
      "!(variables.inject in ['true', 'false']) && (",
      "variables.never ? !(variables.explicit && variables.wishBy == 'pod') :",
      `${said('injection')} == 'disabled' && !variables.always && !variables.explicit)`,
    ),
    variable(
      'out',
      "variables.followedWish == 'none' ? (variables.wishBy == 'pod' ? 'pod' : 'other') :",
      "variables.followedAsk == 'out' ? (variables.askedBy == 'pod' ? 'pod' : 'other') :",
      "variables.followedAsk == 'ambient' || variables.followedWish == 'ambient' ? '' :",
      "variables.injectorLeaves ? 'other' : ''",
    ),
    variable(
      'outLabel',
      `variables.followedWish == 'none' ? "the pod's label ${SLUICE_LABELS.mode}=none" :`,
      `variables.inject == 'false' ? "the pod's " + (${INJECT} in variables.labels ? 'label' : 'annotation') + " ${ISTIO_LABELS.inject}=false" :`,
      `"the pod's label ${ISTIO_LABELS.dataplaneMode}=none"`,
    ),
  ]
}

/** Does a line of the text (an expression) match the labels of the pod? */
function selectorsHold(text: string): string {
  return `${text} != '' && ${text}.split('\\n').exists(line, ${lineHolds('line', 'variables.labels')})`
}
