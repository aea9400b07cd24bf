/** What a value of an annotation or label may be: in words, and as a test. */
export interface Grammar {
  /** completes "must be …" */
  readonly allows: string
  readonly accepts: (value: string) => boolean
}

const PORT_MOST = 65535
const UINT32_MOST = 4294967295
/** the kernel's limit for the name of an interface */
const INTERFACE_NAME = /^[a-zA-Z][a-zA-Z0-9_.-]{0,14}$/
const QUANTITY = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/
/** what Go's strconv.ParseBool takes */
const GO_BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, false] as const),
])

/** `value` as Go reads a boolean; undefined where it is none. */
export function goBoolean(value: string): boolean | undefined {
  return GO_BOOLEANS.get(value)
}

/** `value` without white space around it. */
export function trimmed(value: string): string {
  return value.replace(/^[\t\n\v\f\r ]+|[\t\n\v\f\r ]+$/g, '')
}

/** Is `value` a decimal number from 0 to `most`, without a sign? */
function isDecimal(value: string, most: number): boolean {
  return /^\d+$/.test(value) && Number(value) <= most
}

function isPort(value: string): boolean {
  return isDecimal(trimmed(value), PORT_MOST)
}

/** Does each of the comma-separated items pass? An empty text has none. */
function items(each: (item: string) => boolean): (value: string) => boolean {
  return (value) => value === '' || value.split(',').every(each)
}

function starOr(accepts: (value: string) => boolean): (value: string) => boolean {
  return (value) => value === '*' || accepts(value)
}

/** An address and the length of its prefix, without zone; bits behind the prefix may be set. */
function isCidr(value: string): boolean {
  const [address = '', length = '', ...more] = value.split('/')
  if (more.length > 0 || !/^(?:0|[1-9]\d{0,2})$/.test(length)) return false
  return isIpv4(address) ? Number(length) <= 32 : isIpv6(address) && Number(length) <= 128
}

function isIpv4(value: string): boolean {
  const octets = value.split('.')
  return octets.length === 4 && octets.every((octet) => /^(?:0|[1-9]\d{0,2})$/.test(octet) && Number(octet) <= 255)
}

function isIpv6(value: string): boolean {
  const halves = value.split('::')
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')))
  const tail = groups.at(-1) ?? ''
  const dotted = tail.includes('.')
  if (dotted && (!isIpv4(tail) || !value.endsWith(tail))) return false
  const hex = dotted ? groups.slice(0, -1) : groups
  const length = hex.length + (dotted ? 2 : 0)
  const fits = halves.length === 1 ? length === 8 : halves.length === 2 && length <= 7
  return fits && hex.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))
}

const anything = (): boolean => true

/** The grammars that annotations and labels share; `docs/annotations.md` prints their words. */
export const GRAMMARS = {
  text: { allows: 'any text', accepts: anything },
  trueOrFalse: { allows: '"true" or "false"', accepts: (value) => value === 'true' || value === 'false' },
  goBoolean: {
    allows: 'one of 1, t, T, TRUE, true, True, 0, f, F, FALSE, false, False',
    accepts: (value) => goBoolean(value) !== undefined,
  },
  interceptionMode: {
    allows: 'REDIRECT, TPROXY or NONE',
    accepts: (value) => value === 'REDIRECT' || value === 'TPROXY' || value === 'NONE',
  },
  quantity: { allows: 'a quantity such as 100m, 0.5 or 128Mi', accepts: (value) => QUANTITY.test(value) },
  uint32: {
    allows: `a whole number from 0 to ${UINT32_MOST}`,
    accepts: (value) => isDecimal(value, UINT32_MOST),
  },
  port: { allows: `a port from 0 to ${PORT_MOST}`, accepts: isPort },
  ports: { allows: 'empty or ports separated by commas, such as 80,8080', accepts: items(isPort) },
  portsOrStar: {
    allows: '*, empty, or ports separated by commas, such as 80,8080',
    accepts: starOr(items(isPort)),
  },
  cidrs: {
    allows: 'empty or IP ranges separated by commas without spaces, such as 10.0.0.0/8,fd00::/8',
    accepts: items(isCidr),
  },
  cidrsOrStar: {
    allows: '*, empty, or IP ranges separated by commas without spaces, such as 10.0.0.0/8,fd00::/8',
    accepts: starOr(items(isCidr)),
  },
  interfaces: {
    allows:
      'empty or names of network interfaces separated by commas, each of 15 characters at most, such as eth0,net1',
    accepts: items((item) => INTERFACE_NAME.test(trimmed(item))),
  },
  /** more than a pattern: parsed and merged onto the defaults by the step that validates */
  proxyConfig: { allows: 'a ProxyConfig in YAML or JSON', accepts: anything },
  names: { allows: 'names separated by commas', accepts: anything },
  image: { allows: 'an image reference with a /; anything else is not used', accepts: anything },
  json: { allows: 'JSON', accepts: anything },
  networks: { allows: 'networks separated by commas, or a JSON list of objects', accepts: anything },
  mode: { allows: 'auto, ambient, cni, init or none', accepts: anything },
  written: { allows: 'written by Sluice or Istio; what a request brings is not trusted', accepts: anything },
} as const satisfies Record<string, Grammar>

export type GrammarName = keyof typeof GRAMMARS
