import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeIntent } from '../../../src/core/intent/codec.ts'
import { type Environment, intentOfInitArguments } from '../../../src/core/intent/init-arguments.ts'
import { sentence } from '../../../src/core/vocabulary/reasons.ts'

const says = (args: readonly string[], environment: Environment = {}): string => {
  const result = intentOfInitArguments(args, environment)
  return result.is === 'redirect'
    ? encodeIntent(result.intent).replace('{"v":1,"kind":"sidecar"', '').replace(/}$/, '')
    : sentence(result.reason)
}

const CASES: readonly (readonly [string, readonly string[], Environment, string | RegExp])[] = [
  ['nothing', ['istio-iptables'], {}, ''],
  ['a short flag and its value', ['-p', '1'], {}, ',"outboundPort":"1"'],
  ['a short flag with its value', ['-p1', '-z=2'], {}, ',"outboundPort":"1","inboundPort":"2"'],
  ['long flags', ['--envoy-port', '1', '--inbound-tunnel-port=2'], {}, ',"outboundPort":"1","tunnelPort":"2"'],
  ['an empty value', ['-b', '', '-i', '*'], {}, ',"outboundCidrs":"*"'],
  ['gaps in a list', ['-d', '15090,15021,,80,'], {}, ',"inboundPortsExcluded":"15090,15021,80"'],
  ['the user as group', ['-u', '5'], {}, ',"proxyUids":"5","proxyGids":"5"'],
  ['a group of its own', ['-u', '5', '-g', '6'], {}, ',"proxyUids":"5","proxyGids":"6"'],
  ['DNS by flag', ['--redirect-dns'], {}, ',"dns":"resolvers"'],
  ['DNS off by flag', ['--redirect-dns=false'], { ISTIO_META_DNS_CAPTURE: 'true' }, ''],
  ['DNS by variable', ['--capture-all-dns'], { ISTIO_META_DNS_CAPTURE: 'true' }, ',"dns":"all"'],
  ['a value by variable', [], { ISTIO_SERVICE_CIDR: '10.0.0.0/8' }, ',"outboundCidrs":"10.0.0.0/8"'],
  ['a flag before a variable', ['-i', '*'], { ISTIO_SERVICE_CIDR: '10.0.0.0/8' }, ',"outboundCidrs":"*"'],
  ['a loopback network', [], { ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR: '127.0.0.1/8' }, ',"loopback":"127.0.0.0/8"'],
  ['flags without a part in it', ['--log_output_level=a:b', '--force-apply', '--probe-timeout', '5s', '-n'], {}, ''],
  ['an unknown flag', ['--new'], {}, /^the description of what .* have "--new"/],
  ['a flag without a value', ['-p'], {}, /"-p" has no value/],
  ['a CIDR that is none', ['-i', '10.0.0.0'], {}, /-i \(istio-service-cidr\) has "10\.0\.0\.0"/],
  ['everything excluded', ['-x', '*'], {}, /-x \(istio-service-exclude-cidr\)/],
  ['the main routing table', ['-r', '254'], {}, /routing table of its own/],
  ['65 groups', [], { ISTIO_OUTBOUND_OWNER_GROUPS: Array(65).fill('1').join(',') }, /more than 64 items/],
]

for (const [what, args, environment, want] of CASES)
  test(`the arguments of istio-init are read: ${what}`, () => {
    const got = says(args, environment)
    if (typeof want === 'string') assert.equal(got, want)
    else assert.match(got, want)
  })
