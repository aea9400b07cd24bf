import fc from 'fast-check'
import { parseAddress, parseCidr } from '../../../src/core/intent/address.ts'
import { type Grammar, group, id, mark, networkInterface, port, routeTable } from '../../../src/core/intent/grammar.ts'
import type { AmbientIntent, Intent, SidecarIntent } from '../../../src/core/intent/intent.ts'

const read = <T>(grammar: Grammar<T>, texts: fc.Arbitrary<string>): fc.Arbitrary<T> => texts.map(grammar.parse)

const known = <T>(value: T | null): T => {
  if (value === null) throw new Error('the generator made something that the grammar refuses')
  return value
}

const anyPort = read(port, fc.nat(65535).map(String))
const anyId = read(id, fc.nat(0xfffffffe).map(String))
const anyGroup = read(group, fc.oneof(fc.nat(70000).map(String), fc.stringMatching(/^[a-z_][a-z0-9_-]{0,8}$/)))
export const anyInterface = read(networkInterface, fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_.-]{0,14}$/))
const anyAddress = fc.oneof(fc.ipV4(), fc.ipV6()).map((text) => known(parseAddress(text)))
const anyCidr4 = fc.tuple(fc.ipV4(), fc.nat(32)).map(([ip, prefix]) => known(parseCidr(`${ip}/${prefix}`)))
const anyCidr6 = fc.tuple(fc.ipV6(), fc.nat(128)).map(([ip, prefix]) => known(parseCidr(`${ip}/${prefix}`)))

const few = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<readonly T[]> => fc.array(item, { maxLength: 3 })
const allOrFew = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<'*' | readonly T[]> =>
  fc.oneof(fc.constant('*' as const), few(item))

const PLAIN = { noNullPrototype: true } as const

export const anySidecar: fc.Arbitrary<SidecarIntent> = fc.record(
  {
    kind: fc.constant('sidecar' as const),
    interception: fc.constantFrom('REDIRECT', 'TPROXY'),
    outboundPort: anyPort,
    inboundPort: anyPort,
    tunnelPort: anyPort,
    proxyUids: few(anyId),
    proxyGids: few(anyId),
    tproxyMark: read(mark, fc.integer({ min: 1, max: 0xffffffff }).map(String)),
    tproxyTable: read(routeTable, fc.integer({ min: 1, max: 252 }).map(String)),
    inboundPorts: allOrFew(anyPort),
    inboundPortsExcluded: few(anyPort),
    outboundCidrs: allOrFew(fc.oneof(anyCidr4, anyCidr6)),
    outboundCidrsExcluded: few(fc.oneof(anyCidr4, anyCidr6)),
    outboundPorts: few(anyPort),
    outboundPortsExcluded: few(anyPort),
    ownerGroups: allOrFew(anyGroup),
    ownerGroupsExcluded: few(anyGroup),
    virtualInterfaces: few(anyInterface),
    excludedInterfaces: few(anyInterface),
    dns: fc.constantFrom('off', 'resolvers', 'all'),
    dnsPolicy: fc.constantFrom('cluster', 'node', 'none'),
    dnsServers: few(anyAddress),
    dropInvalid: fc.boolean(),
    dualStack: fc.boolean(),
    loopback: anyCidr4,
  },
  PLAIN,
)

export const anyAmbient: fc.Arbitrary<AmbientIntent> = fc.record(
  {
    kind: fc.constant('ambient' as const),
    ingress: fc.boolean(),
    dns: fc.constantFrom('on', 'off', 'node'),
    virtualInterfaces: few(anyInterface),
  },
  PLAIN,
)

export const anyIntent: fc.Arbitrary<Intent> = fc.oneof(
  { weight: 8, arbitrary: anySidecar },
  { weight: 3, arbitrary: anyAmbient },
  { weight: 1, arbitrary: fc.constant({ kind: 'none' as const }) },
)
