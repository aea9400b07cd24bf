import type { AmbientIntent, Intent, SidecarIntent } from '../intent/intent.ts'

/** What the rules of `intent` do to the traffic of its pod, a line each. */
export function redirectionWords(intent: Intent): readonly string[] {
  switch (intent.kind) {
    case 'sidecar':
      return [...inbound(intent), ...outbound(intent), ...dns(intent), ...others(intent)]
    case 'ambient':
      return ambient(intent)
    case 'none':
      return ['nothing is redirected: the application talks to its proxy by itself']
  }
}

function inbound(intent: SidecarIntent): readonly string[] {
  const { inboundPorts, inboundPortsExcluded, inboundPort, tunnelPort, interception } = intent
  if (inboundPorts.length === 0) return ['inbound traffic is not redirected']
  const but = inboundPortsExcluded.length === 0 ? '' : ` but ${joined(inboundPortsExcluded)}`
  const which = inboundPorts === '*' ? `to every port${but}` : `to ${ports(inboundPorts)}`
  const how = interception === 'TPROXY' ? ', which sees the real source address (TPROXY)' : ''
  return [
    `inbound TCP ${which} goes to port ${inboundPort} of the proxy${how}`,
    `port ${tunnelPort} (HBONE) is the proxy's own`,
  ]
}

function outbound(intent: SidecarIntent): readonly string[] {
  const { outboundCidrs, outboundCidrsExcluded, outboundPorts, outboundPortsExcluded, outboundPort } = intent
  const anywhere = outboundPorts.length === 0 ? [] : [`anywhere on ${ports(outboundPorts)}`]
  const to = outboundCidrs === '*' ? '' : joined([...outboundCidrs, ...anywhere])
  if (outboundCidrs !== '*' && outboundCidrs.length + outboundPorts.length === 0)
    return ['outbound traffic is not redirected']
  const not = [...outboundCidrsExcluded, ...(outboundPortsExcluded.length === 0 ? [] : [ports(outboundPortsExcluded)])]
  const but = not.length === 0 ? '' : `, but not to ${joined(not)},`
  return [`outbound TCP${to === '' ? '' : ` to ${to}`}${but} goes to port ${outboundPort} of the proxy`]
}

function dns(intent: SidecarIntent): readonly string[] {
  switch (intent.dns) {
    case 'off':
      return []
    case 'resolvers':
      return ['DNS asked of the pod’s own servers goes to the proxy']
    case 'all':
      return ['all DNS goes to the proxy']
  }
}

function others(intent: SidecarIntent): readonly string[] {
  const { proxyUids, proxyGids, virtualInterfaces, excludedInterfaces } = intent
  const owners = [...labelled('user', proxyUids), ...labelled('group', proxyGids)].join(' or ')
  return [
    ...(owners === '' ? [] : [`what ${owners} sends is the proxy's own and is left alone`]),
    ...ownerGroups(intent),
    ...(virtualInterfaces.length === 0 ? [] : [`what comes in from ${joined(virtualInterfaces)} counts as outbound`]),
    ...(excludedInterfaces.length === 0 ? [] : [`traffic of ${joined(excludedInterfaces)} is left alone`]),
    ...(intent.dropInvalid ? ['packets that belong to no connection are dropped'] : []),
  ]
}

function ownerGroups({ ownerGroups, ownerGroupsExcluded }: SidecarIntent): readonly string[] {
  if (ownerGroups === '*') return labelled('group', ownerGroupsExcluded).map((one) => `what ${one} sends is left alone`)
  if (ownerGroups.length === 0) return ['outbound traffic is not redirected: the list of its groups is empty']
  return [`of outbound traffic, only what group ${joined(ownerGroups)} sends is redirected`]
}

function ambient({ ingress, dns, virtualInterfaces }: AmbientIntent): readonly string[] {
  return [
    ingress ? 'inbound traffic goes straight to the application' : 'inbound TCP goes to ztunnel',
    'outbound TCP goes to ztunnel',
    {
      on: 'DNS goes to ztunnel',
      off: 'DNS is left alone',
      node: 'DNS goes to ztunnel where the node’s agent is set so',
    }[dns],
    ...(virtualInterfaces.length === 0 ? [] : [`what comes in from ${joined(virtualInterfaces)} counts as outbound`]),
  ]
}

function ports(list: readonly number[]): string {
  return `port${list.length === 1 ? '' : 's'} ${joined(list)}`
}

function labelled(what: string, list: readonly (string | number)[]): readonly string[] {
  return list.length === 0 ? [] : [`${what} ${joined(list)}`]
}

function joined(list: readonly (string | number)[]): string {
  return list.join(', ')
}
