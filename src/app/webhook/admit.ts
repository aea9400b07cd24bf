import { isUtf8 } from 'node:buffer'
import { allowed, denied, NO_REMARKS, patched, type Remarks } from '../../core/admission/response.ts'
import { parseReview, ReviewError, type Review } from '../../core/admission/review.ts'
import type { Facts } from '../../core/decision/facts.ts'
import { auditAnnotations, refusalMessage, warningLines } from '../../core/explain/admission-texts.ts'
import type { Findings } from '../../core/explain/outcome.ts'
import { isOwnCluster } from '../../core/injection/native-sidecars.ts'
import { pathEnv } from '../../core/injection/path-env.ts'
import { JsonError, parseJson } from '../../core/json/parse.ts'
import { objectOr, stringOr, type Json, type JsonObject } from '../../core/json/value.ts'
import type { Answer } from './answer.ts'
import { asksAboutWorkload, outcomeOfWorkload } from './explain-workload.ts'
import { Failure } from './failure.ts'
import type { FactSource, Snapshot } from './snapshot.ts'

/** One request as the server received it. */
export interface Call {
  /** the path with its escapes decoded */
  readonly path: string
  /** the body, by `textOf` */
  readonly text: string
}

/** What a request was about and what became of it: all that is recorded of it. */
export interface Account extends Pick<Review, 'uid' | 'namespace' | 'operation' | 'dryRun'> {
  readonly kind: string
  /** the object's name, or what the API server makes one from and a `*`; no longer than names are */
  readonly name: string
  /** absent where the request was not the creation of a pod */
  readonly decided?: Pick<Answer, 'findings' | 'changes'>
  /** what would become of the pods of a workload, where a dry run asked */
  readonly explained?: Findings
}

/** What is answered, why, and to the creation of which pod, if it was one. */
export interface Admission {
  readonly response: JsonObject
  readonly account: Account
  readonly pod?: JsonObject
}

/** The longest name that an object can have; before validation a request may bring more. */
const LONGEST_NAME = 253

/** The body of a request as text. Throws `Failure` where it is empty or no UTF-8. */
export function textOf(body: Buffer): string {
  if (body.length === 0) throw new Failure('malformed', 'the body is empty: it must be an AdmissionReview')
  if (!isUtf8(body)) throw new Failure('malformed', 'the body is not UTF-8')
  return body.toString('utf8')
}

/**
 * Answers one admission request from memory: parse → snapshot → facts → answer → respond. Anything but the
 * creation of a pod is allowed untouched; a dry run of a workload is told what would become of its pods. Changes nothing
 * anywhere; throws `Failure` where no verdict can be given.
 */
export function admit(call: Call, source: FactSource, answer: (facts: Facts) => Answer): Admission {
  const review = readReview(call.text)
  if (asksAboutWorkload(review)) return explainWorkload(review, call, source)
  if (!createsPod(review)) return untouched(review)
  const pod = podOf(review)
  const snapshot = snapshotOf(source)
  const { findings, changes, patch } = answer(factsOf(pod, review, call, snapshot, source.ageSeconds()))
  const account = { ...accountOf(review), decided: { findings, changes } }
  const remarks = remarksOf(findings, review)
  if (findings.decision.is === 'refused') {
    const denial = { code: 403, reason: 'Forbidden', message: refusalMessage(findings) }
    return { response: denied(review, denial, remarks), account, pod }
  }
  return { response: patched(review, patch, remarks), account, pod }
}

function untouched(review: Review): Admission {
  return { response: allowed(review, NO_REMARKS), account: accountOf(review) }
}

function accountOf({ uid, namespace, operation, dryRun, kind, object }: Review): Account {
  const metadata = objectOr(object?.['metadata'])
  const name = stringOr(metadata['name']) ?? `${stringOr(metadata['generateName']) ?? ''}*`
  return { uid, namespace, operation, dryRun, kind: kind.name, name: name.slice(0, LONGEST_NAME) }
}

function explainWorkload(review: Review, call: Call, source: FactSource): Admission {
  const snapshot = snapshotOf(source)
  const explained = outcomeOfWorkload(review.object ?? {}, (pod) =>
    factsOf(pod, review, call, snapshot, source.ageSeconds()),
  )
  if (explained === undefined) return untouched(review)
  const remarks = { ...NO_REMARKS, warnings: warningLines(explained, review.dryRun) }
  return { response: allowed(review, remarks), account: { ...accountOf(review), explained } }
}

function snapshotOf(source: FactSource): Snapshot {
  const now = source.current()
  if (now.is === 'snapshot') return now.snapshot
  throw new Failure(now.is, now.why)
}

function readReview(text: string): Review {
  try {
    return parseReview(parseBody(text))
  } catch (cause) {
    if (cause instanceof ReviewError) throw new Failure('malformed', cause.message, { cause })
    throw cause
  }
}

function parseBody(text: string): Json {
  try {
    return parseJson(text)
  } catch (cause) {
    if (cause instanceof JsonError) throw new Failure('malformed', `the body ${cause.message}`, { cause })
    throw cause
  }
}

/** The webhook configuration asks for nothing else; whoever widens it must not have his objects changed. */
function createsPod({ operation, kind, resource, subResource }: Review): boolean {
  return (
    operation === 'CREATE' &&
    subResource === '' &&
    [kind, resource].every(({ group, version }) => group === '' && version === 'v1') &&
    kind.name === 'Pod' &&
    resource.name === 'pods'
  )
}

function podOf({ object, namespace }: Review): JsonObject {
  if (object === undefined) throw new Failure('malformed', 'request.object must be the Pod that is created')
  if (namespace === '') throw new Failure('malformed', 'request.namespace must name the namespace of the Pod')
  return object
}

function factsOf(pod: JsonObject, review: Review, call: Call, snapshot: Snapshot, ageSeconds: number): Facts {
  const namespace = snapshot.namespace(review.namespace)
  if (namespace === undefined)
    throw new Failure('namespace_unknown', `namespace ${review.namespace} is not known yet; try again`)
  const { settings, policy, coverage, installed, kubeletVersions } = snapshot
  const env = pathEnv(call.path)
  return {
    pod,
    namespace,
    settings,
    policy,
    coverage: { ...coverage(pod), installed, ageSeconds },
    dryRun: review.dryRun,
    pathEnv: env,
    kubeletVersions: isOwnCluster(settings, env) ? kubeletVersions : undefined,
  }
}

function remarksOf(findings: Findings, { dryRun }: Review): Remarks {
  return { warnings: warningLines(findings, dryRun), auditAnnotations: auditAnnotations(findings) }
}
