import fc from 'fast-check'
import type { IpFamily } from '../../../src/core/intent/address.ts'
import { parseAddress } from '../../../src/core/intent/address.ts'
import type { RuleModel } from '../../../src/core/redirection/model.ts'
import type { NodeFacts } from '../../../src/core/redirection/rules-of.ts'
import { rulesOf } from '../../../src/core/redirection/rules-of.ts'
import { anyIntent } from '../intent/any-intent.ts'

export function addressOf(text: string): NonNullable<ReturnType<typeof parseAddress>> {
  const address = parseAddress(text)
  if (address === null) throw new Error(`${text} is no address`)
  return address
}

const anyFamilies = fc.constantFrom<readonly IpFamily[]>([4], [4, 6])
const anyServers = fc.subarray(['10.96.0.10', 'fd00::a'].map(addressOf))

export const anyNode: fc.Arbitrary<NodeFacts> = fc.record(
  {
    network: fc.record({
      families: anyFamilies,
      resolvers: fc.option(fc.record({ cluster: anyServers, node: anyServers })),
    }),
    ambient: fc.record({
      dnsCapture: fc.boolean(),
      probeSource: fc.constant({ 4: addressOf('169.254.7.127'), 6: addressOf('fd16::7f') }),
    }),
  },
  { noNullPrototype: true },
)

/** The rules of any pod on any node. */
export const anyRules: fc.Arbitrary<RuleModel> = fc
  .tuple(anyIntent, anyNode)
  .map(([intent, node]) => rulesOf(intent, node))
