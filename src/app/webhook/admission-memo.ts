import { BoundedMap } from '../../core/bounded-map.ts'
import { stringify } from '../../core/json/parse.ts'
import { containersOf, specOf } from '../../core/json/pod.ts'
import { objectOr, objectsOf, stringOr, type JsonObject } from '../../core/json/value.ts'
import type { Account, Admission, Call } from './admit.ts'
import type { FactSource, Snapshot } from './snapshot.ts'
import { namesIn, type Spelling, spellingOf } from './spelling.ts'

const ENTRIES = 256
/**
 * Characters of a key and its answer, at most two bytes each: together at most 32 MiB of text. A review that is longer by
 * itself is not looked for.
 */
const LONGEST = 65_536

const TOKEN_VOLUME = /^kube-api-access-[a-z0-9]{5}$/

/** What is sent for a request, and what is recorded of it. */
export interface Told {
  readonly text: string
  readonly account: Account
  /** an earlier review asked the same */
  readonly remembered: boolean
}

/** An answer around the uid that it is for. */
interface Known {
  readonly head: string
  readonly tail: string
  readonly account: Account
}

/**
 * Answers that were given, for the pods that are alike: those of one ReplicaSet differ in nothing that an answer depends on. Gives
 * what deciding again would give: an answer is known by the text of the review, and forgotten with the snapshot that it was
 * made from. Bounded, since whoever creates pods chooses the keys; the oldest goes first.
 */
export class AdmissionMemo {
  readonly #known = new BoundedMap<string, Known>(ENTRIES)
  #snapshot: Snapshot | undefined

  /** The answer to `call` by what `source` knows now; by `admit`, whose exceptions pass, where it is not known. */
  of(call: Call, source: FactSource, admit: () => Admission): Told {
    const spelling = this.#spellingOf(call, source)
    const known = spelling === undefined ? undefined : this.#known.get(spelling.key)
    if (spelling !== undefined && known !== undefined) {
      const { uid } = spelling
      return { text: `${known.head}"${uid}"${known.tail}`, account: { ...known.account, uid }, remembered: true }
    }
    const admission = admit()
    const text = stringify(admission.response)
    // facts that became too old just now may have decided it
    if (spelling !== undefined && isFresh(source, this.#snapshot) && answersAll(spelling, admission))
      this.#keep(spelling, text, admission.account)
    return { text, account: admission.account, remembered: false }
  }

  /** Undefined where nothing is remembered. */
  #spellingOf({ path, text }: Call, source: FactSource): Spelling | undefined {
    const now = source.current()
    if (now.is !== 'snapshot' || text.length > LONGEST || !isFresh(source, now.snapshot)) return undefined
    if (now.snapshot !== this.#snapshot) {
      this.#snapshot = now.snapshot
      this.#known.clear()
    }
    // templates of the settings may read the whole pod
    const spelling = spellingOf(text, Object.keys(now.snapshot.settings.injector.templates).length > 0)
    return spelling && { ...spelling, key: `${JSON.stringify(path)}${spelling.key}` }
  }

  #keep({ key, uid }: Spelling, text: string, account: Account): void {
    if (key.length + text.length > LONGEST) return
    const at = text.indexOf(`"${uid}"`)
    this.#known.set(key, { head: text.slice(0, at), tail: text.slice(at + uid.length + 2), account })
  }
}

/** Are the facts young enough for all that rests on them? Their age is the only time that an answer depends on. */
function isFresh(source: FactSource, snapshot: Snapshot | undefined): boolean {
  return snapshot !== undefined && source.ageSeconds() <= snapshot.policy.maxStaleSeconds
}

/**
 * Is this the answer to all reviews of that spelling? What was taken out of the text must be what it was taken for, and the
 * answer must not mention it, as that of a user's own `istio-proxy`, which mounts the token.
 */
function answersAll({ key, token, timeless }: Spelling, { response, account, pod }: Admission): boolean {
  if (pod === undefined) return false
  if (timeless && objectOr(pod['metadata'])['managedFields'] === undefined) return false
  if (token === undefined) return true
  if (tokenVolume(pod) !== token || namesIn(key) !== timesMounted(pod, token) + 1) return false
  return !mentions(response, token) && !JSON.stringify(account).includes(token)
}

function tokenVolume(pod: JsonObject): string | undefined {
  const volumes = objectsOf(specOf(pod)['volumes']).map(({ name }) => stringOr(name) ?? '')
  return volumes.find((name) => TOKEN_VOLUME.test(name))
}

/** How often containers mount the volume `token`: no other name of a pod means it. */
function timesMounted(pod: JsonObject, token: string): number {
  const mounts = containersOf(pod).flatMap(({ container }) => objectsOf(container['volumeMounts']))
  return mounts.filter(({ name }) => name === token).length
}

function mentions(response: JsonObject, token: string): boolean {
  const { patch, ...rest } = objectOr(response['response'])
  return Buffer.from(stringOr(patch) ?? '', 'base64').includes(token) || JSON.stringify(rest).includes(token)
}
