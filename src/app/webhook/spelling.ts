/** What a review is known by among those that ask the same. */
export interface Spelling {
  /** the text without what differs between pods that are alike; equal only where all that an answer depends on is equal */
  readonly key: string
  readonly uid: string
  /** the name that stands in the key by a sign; undefined where none does */
  readonly token: string | undefined
  /** the first time in a list `managedFields` stands in the key by a sign */
  readonly timeless: boolean
}

/** As the API server writes the beginning: whatever comes before `request`, its first key is the uid. */
const HEAD = /^\{(?:"[A-Za-z]+":"[^"\\]*",)*"request":\{"uid":"(?=([0-9a-f-]{36})")/
/** The volume of the account's token, whose name the API server makes up for each pod anew. */
const TOKEN = /"name":"(kube-api-access-[a-z0-9]{5})"/
/** When the first writer of an object wrote, as the API server spells it. */
const TIME =
  /"managedFields":\[\{"manager":"[^"\\]*","operation":"[A-Za-z]+","apiVersion":"[^"\\]*","time":"(?=[0-9TZ:-]{20}")/
const TIME_LENGTH = '2026-01-01T00:00:00Z'.length
const WRITERS = 'managedFields"'
/** A letter, a digit or `-` by its number: a name could be spelt so that a search for it passes it over. */
const DISGUISE = /\\u00(?:2d|3\d|[4-7])/i
/** Stands for what was taken out. No text of JSON holds it as it is. */
const SIGN = '\0'
const NAME_SIGN = `"name":"${SIGN}"`

/** How many names of `key` stand in it by a sign. */
export function namesIn(key: string): number {
  return key.split(NAME_SIGN).length - 1
}

/**
 * What the AdmissionReview `text` asks, apart from whose it is. Where `exact`, all but the uid counts. Undefined where the text
 * does not begin as the API server writes it, or could be mistaken for another. Says nothing of whether it is valid: a text
 * that is none has no key of one that is.
 */
export function spellingOf(text: string, exact: boolean): Spelling | undefined {
  const head = HEAD.exec(text)
  const uid = head?.[1]
  if (head === null || uid === undefined || text.includes(SIGN)) return undefined
  const rest = text.slice(head[0].length + uid.length)
  const plain = { key: head[0] + rest, uid, token: undefined, timeless: false }
  if (exact || DISGUISE.test(rest)) return plain
  const [token, time] = [TOKEN.exec(rest)?.[1], TIME.exec(rest)]
  const timeless = time !== null && rest.indexOf(WRITERS) === rest.lastIndexOf(WRITERS)
  const end = timeless ? time.index + time[0].length : 0
  const untimed = timeless ? rest.slice(0, end) + SIGN + rest.slice(end + TIME_LENGTH) : rest
  const unnamed = token === undefined ? untimed : untimed.replaceAll(`"name":"${token}"`, NAME_SIGN)
  // it stands elsewhere than as a name, where it means what it says
  if (token !== undefined && unnamed.includes(token)) return plain
  return { key: head[0] + unnamed, uid, token, timeless }
}
