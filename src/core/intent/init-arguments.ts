import { goBoolean } from '../vocabulary/grammars.ts'
import { type Fields, readField, sidecarFields } from './fields.ts'
import { quoted } from './grammar.ts'
import { BARE_SIDECAR, type IntentResult, type SidecarIntent } from './intent.ts'
import { IntentRefusal, readIntent } from './refusal.ts'

const FIELDS: Fields<SidecarIntent> = sidecarFields('dropped')

type Field = keyof typeof FIELDS

/** Flags of Istio's `istio-iptables` (cni.md §4.9) by long name; each is also read from the environment, upper case with `_`. */
const VALUES: Readonly<Record<string, { readonly short?: string; readonly sets: Field | null }>> = {
  'envoy-port': { short: 'p', sets: 'outboundPort' },
  'inbound-capture-port': { short: 'z', sets: 'inboundPort' },
  'inbound-tunnel-port': { short: 'e', sets: 'tunnelPort' },
  'proxy-uid': { short: 'u', sets: 'proxyUids' },
  'proxy-gid': { short: 'g', sets: 'proxyGids' },
  'istio-inbound-interception-mode': { short: 'm', sets: 'interception' },
  'istio-inbound-ports': { short: 'b', sets: 'inboundPorts' },
  'istio-local-exclude-ports': { short: 'd', sets: 'inboundPortsExcluded' },
  'istio-exclude-interfaces': { short: 'c', sets: 'excludedInterfaces' },
  'istio-service-cidr': { short: 'i', sets: 'outboundCidrs' },
  'istio-service-exclude-cidr': { short: 'x', sets: 'outboundCidrsExcluded' },
  'istio-outbound-ports': { short: 'q', sets: 'outboundPorts' },
  'istio-local-outbound-ports-exclude': { short: 'o', sets: 'outboundPortsExcluded' },
  'kube-virt-interfaces': { short: 'k', sets: 'virtualInterfaces' },
  'istio-inbound-tproxy-mark': { short: 't', sets: 'tproxyMark' },
  'istio-inbound-tproxy-route-table': { short: 'r', sets: 'tproxyTable' },
  'iptables-probe-port': { sets: null },
  'probe-timeout': { sets: null },
  'network-namespace': { sets: null },
  'force-iptables-binary': { sets: null },
  log_output_level: { sets: null },
}

/** Flags that take no value; `env` where the environment variable has a name of its own. */
const SWITCHES: Readonly<
  Record<string, { readonly short?: string; readonly env?: string; readonly sets: Switch | null }>
> = {
  'redirect-dns': { env: 'ISTIO_META_DNS_CAPTURE', sets: 'redirectDns' },
  'capture-all-dns': { sets: 'captureAllDns' },
  'drop-invalid': { env: 'INVALID_DROP', sets: 'dropInvalid' },
  'dual-stack': { env: 'ISTIO_DUAL_STACK', sets: 'dualStack' },
  'dry-run': { short: 'n', sets: null },
  'skip-rule-apply': { sets: null },
  'run-validation': { sets: null },
  'cni-mode': { sets: null },
  reconcile: { sets: null },
  'cleanup-only': { sets: null },
  'force-apply': { sets: null },
  'native-nftables': { sets: null },
  log_as_json: { sets: null },
}

type Switch = 'redirectDns' | 'captureAllDns' | 'dropInvalid' | 'dualStack'

/** The tables' rows with the variable of each, made once: every pod with an init container is read by them. */
const VALUE_ROWS = Object.entries(VALUES).map(([long, row]) => ({ ...row, long, variable: variableOf(long) }))
const SWITCH_ROWS = Object.entries(SWITCHES).map(([long, row]) => ({
  ...row,
  long,
  variable: row.env ?? variableOf(long),
}))
const LONG_NAMES: ReadonlyMap<string | undefined, string> = new Map(
  [...VALUE_ROWS, ...SWITCH_ROWS].flatMap(({ short, long }) => (short === undefined ? [] : [[short, long] as const])),
)

/** Settings of the tool that have no flag. */
const ENVIRONMENT: Readonly<Record<string, Field>> = {
  ISTIO_OUTBOUND_OWNER_GROUPS: 'ownerGroups',
  ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE: 'ownerGroupsExcluded',
  ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR: 'loopback',
}

/** The subcommand of `pilot-agent` that the init containers run. */
const SUBCOMMAND = 'istio-iptables'

/** The environment of a container: literal values only. */
export type Environment = Readonly<Record<string, string>>

/**
 * What the init container that was given `args` and `environment` makes rules for, DNS as asked of the servers of the pod's
 * resolv.conf. Refused where Istio's tool would refuse, and where it would make a rule that the kernel refuses (quirk 23).
 */
export function intentOfInitArguments(args: readonly string[], environment: Environment): IntentResult {
  return readIntent(() => sidecarOfArguments(args, environment, 'refused'))
}

/** As `intentOfInitArguments`, with flags of newer tools refused or passed over; throws an IntentRefusal. */
export function sidecarOfArguments(
  args: readonly string[],
  environment: Environment,
  unknown: 'refused' | 'ignored',
): SidecarIntent {
  const given = flagsOf(args[0] === SUBCOMMAND ? args.slice(1) : args, unknown)
  const said = VALUE_ROWS.map(({ long, short, variable, sets }): Partial<SidecarIntent> => {
    const text = given.get(long) ?? environment[variable]
    if (sets === null || text === undefined) return {}
    return readField(FIELDS, sets, text, short === undefined ? `--${long}` : `-${short} (${long})`)
  })
  const fields = Object.assign({}, ...said, sidecarOfEnvironment(environment)) as Partial<SidecarIntent>
  const on = (wanted: Switch): boolean =>
    SWITCH_ROWS.some(
      // a value that is no boolean is off, as in the tool
      ({ long, variable, sets }) =>
        sets === wanted && goBoolean(given.get(long) ?? environment[variable] ?? '') === true,
    )
  return {
    ...BARE_SIDECAR,
    ...fields,
    // without a group of its own the tool takes the user's number for it
    proxyGids: fields.proxyGids ?? fields.proxyUids ?? BARE_SIDECAR.proxyGids,
    dns: !on('redirectDns') ? 'off' : on('captureAllDns') ? 'all' : 'resolvers',
    dropInvalid: on('dropInvalid'),
    dualStack: on('dualStack'),
  }
}

/** The settings that only the environment says, where it says them; throws an IntentRefusal. */
export function sidecarOfEnvironment(environment: Environment): Partial<SidecarIntent> {
  const said = Object.entries(ENVIRONMENT).map(([variable, sets]): Partial<SidecarIntent> => {
    const text = environment[variable]
    return text === undefined ? {} : readField(FIELDS, sets, text, variable)
  })
  return Object.assign({}, ...said) as Partial<SidecarIntent>
}

function variableOf(long: string): string {
  return long.toUpperCase().replaceAll('-', '_')
}

/** Long name → value of `-p 1`, `-p1`, `-p=1`, `--envoy-port 1`, `--envoy-port=1`; a switch alone is `true`. */
function flagsOf(args: readonly string[], unknown: 'refused' | 'ignored'): ReadonlyMap<string, string> {
  const flags = new Map<string, string>()
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? ''
    const [, long, longValue] = /^--([a-z_-]+)(?:=(.*))?$/s.exec(arg) ?? []
    const [, short, shortValue] = /^-([a-z])(?:=?(.+))?$/s.exec(arg) ?? []
    const name = long ?? LONG_NAMES.get(short)
    if (name !== undefined && Object.hasOwn(SWITCHES, name)) {
      flags.set(name, longValue ?? shortValue ?? 'true')
    } else if (name !== undefined && Object.hasOwn(VALUES, name)) {
      const inline = longValue ?? shortValue
      const next = inline ?? args[++at]
      if (next === undefined) throw refusal(quoted(arg), 'has no value after it')
      flags.set(name, next)
    } else if (unknown === 'refused') {
      throw refusal('the arguments of the init container', `have ${quoted(arg)}, which istio-iptables does not know`)
    }
  }
  return flags
}

function refusal(field: string, problem: string): IntentRefusal {
  return new IntentRefusal({ code: 'intent_invalid', args: { field, problem } })
}
