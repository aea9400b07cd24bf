import type { Facts } from '../../core/decision/facts.ts'
import { specOf } from '../../core/json/pod.ts'
import { isObject, objectsOf, stringOr } from '../../core/json/value.ts'
import type { Answer } from './answer.ts'

const ENTRIES = 256
/**
 * Characters of a key and its patch, at most two bytes each: together at most 32 MiB of text. A review that is longer by itself
 * is not looked for: the key of a large pod costs more than its answer.
 */
const LONGEST = 65_536

/** The volume of the account's token, whose name the API server makes up for each pod anew. */
const TOKEN_VOLUME = /^kube-api-access-[a-z0-9]{5}$/

/** An answer, and the values that it was worked out from besides its key. */
interface Remembered {
  readonly basis: readonly unknown[]
  readonly answer: Answer
}

/**
 * Answers that were worked out, for the pods that are alike: those of one ReplicaSet differ in nothing that an answer depends on.
 * Gives what working it out again would give: an answer is known by all of the pod and the request that it may depend on, and
 * counts only for the very settings, policy, namespace and nodes that it was made from. Bounded, since whoever creates pods
 * chooses the keys; the oldest goes first.
 */
export class AnswerMemo {
  readonly #answers = new Map<string, Remembered>()
  #versions: Facts['kubeletVersions']

  /** The answer to `facts`, which a review of so many bytes brought; by `work` where it is not known. */
  of(facts: Facts, bytes: number, work: (facts: Facts) => Answer): Answer {
    if (bytes > LONGEST) return work(facts)
    // the age of facts is the only time that an answer depends on
    if (facts.coverage.ageSeconds > facts.policy.maxStaleSeconds) return work(facts)
    this.#forgetOtherNodes(facts)
    const token = tokenVolume(facts)
    const key = keyOf(facts, token)
    const basis = basisOf(facts)
    const known = this.#answers.get(key)
    if (known?.basis.every((value, at) => value === basis[at]) === true) return known.answer
    const answer = work(facts)
    if (key.length + answer.patch.length <= LONGEST && !mentions(answer, token)) this.#keep(key, { basis, answer })
    return answer
  }

  /** No answer counts for other nodes any more, and each would keep their whole map from being freed. */
  #forgetOtherNodes({ kubeletVersions }: Facts): void {
    // undefined: a request about another cluster
    if (kubeletVersions === undefined || kubeletVersions === this.#versions) return
    this.#versions = kubeletVersions
    this.#answers.clear()
  }

  #keep(key: string, remembered: Remembered): void {
    this.#answers.delete(key)
    const oldest = this.#answers.keys().next().value
    if (this.#answers.size >= ENTRIES && oldest !== undefined) this.#answers.delete(oldest)
    this.#answers.set(key, remembered)
  }
}

/** Made anew when anything about them changes, so that the very same one is as good as an equal one. */
function basisOf({ settings, policy, namespace, coverage, kubeletVersions }: Facts): readonly unknown[] {
  return [settings, policy, namespace, coverage.cni, coverage.ambient, kubeletVersions]
}

/**
 * What else an answer depends on, as text. Templates of the settings may read the whole pod; all else reads no `managedFields`,
 * and of the volume `token` only which mounts name it.
 */
function keyOf({ pod, namespace, settings, coverage, dryRun, pathEnv }: Facts, token: string | undefined): string {
  const whole = Object.keys(settings.injector.templates).length > 0
  const { metadata } = pod
  // metadata that are none stay what they are: an absent object is patched in another way than an empty one
  const read = whole || !isObject(metadata) ? pod : { ...pod, metadata: { ...metadata, managedFields: undefined } }
  const text = JSON.stringify([namespace.name, coverage.installed, dryRun, pathEnv, read])
  if (token === undefined || whole) return text
  // a text of JSON holds no NUL of its own: nothing else can become this key
  const anyName = text.replaceAll(`"name":"${token}"`, '"name":"\0"')
  return anyName.includes(token) ? text : anyName
}

function tokenVolume({ pod }: Facts): string | undefined {
  const volumes = objectsOf(specOf(pod)['volumes']).map(({ name }) => stringOr(name) ?? '')
  return volumes.find((name) => TOKEN_VOLUME.test(name))
}

/** Such an answer is of one pod alone, such as that of a user's own `istio-proxy`, which mounts the token. */
function mentions({ patch, findings }: Answer, token: string | undefined): boolean {
  if (token === undefined) return false
  return Buffer.from(patch, 'base64').includes(token) || JSON.stringify(findings).includes(token)
}
