/** What differs between the proxies that rules can lead to. */
export interface BootstrapOptions {
  /** TPROXY: the inbound listener takes connections to any address, and its own come from the client's, with this mark */
  readonly transparentMark: number | null
  /** on every packet that it sends on: so rules know ztunnel, whose user is anybody's */
  readonly mark?: number
  /** where captured DNS is sent on to */
  readonly resolver: string
}

type Json = Readonly<Record<string, unknown>>
const typed = (type: string, fields: Json = {}): Json => ({ '@type': `type.googleapis.com/envoy.${type}`, ...fields })
const socket = (address: string, port: number, protocol = 'TCP'): Json => ({
  socket_address: { address, port_value: port, protocol },
})

/**
 * The listeners of proxyv2, as far as redirection is concerned: outbound and inbound pass on to the original destination,
 * inbound from 127.0.0.6 (Istio's mark of the proxy's own inbound connections), and a connection to a listener's own port
 * ends. Each passed connection starts with a PROXY line, so that the far end sees who was on the way.
 */
export function envoyBootstrap({ transparentMark, resolver, mark }: BootstrapOptions): Json {
  const [own4, own6] = transparentMark === null && mark === undefined ? ['127.0.0.6', '::6'] : [null, null]
  return {
    static_resources: {
      listeners: [
        listener('outbound', 15001, [chain('blackhole', { destination_port: 15001 }), chain('outbound')], []),
        {
          ...listener(
            'inbound',
            15006,
            [
              chain('blackhole', { destination_port: 15006 }),
              chain('inbound-4', { prefix_ranges: [{ address_prefix: '0.0.0.0', prefix_len: 0 }] }),
              chain('inbound-6', { prefix_ranges: [{ address_prefix: '::', prefix_len: 0 }] }),
            ],
            transparentMark === null ? [] : [filter('original_src', { mark: transparentMark })],
          ),
          transparent: transparentMark !== null,
        },
        dnsOverTcp(),
        dnsOverUdp('0.0.0.0'),
        dnsOverUdp('::'),
      ],
      clusters: [
        { name: 'blackhole', type: 'STATIC', connect_timeout: '1s' },
        { ...passthrough('outbound'), ...bound(null, mark) },
        { ...passthrough('inbound-4'), ...bound(own4, mark) },
        { ...passthrough('inbound-6'), ...bound(own6, mark) },
        { ...fixed('dns-tcp', resolver, 'TCP'), transport_socket: proxyLine, ...bound(null, mark) },
        { ...fixed('dns-udp', resolver, 'UDP'), ...bound(null, mark) },
      ],
    },
  }
}

const proxyLine: Json = {
  name: 'envoy.transport_sockets.upstream_proxy_protocol',
  typed_config: typed('extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport', {
    config: { version: 'V1' },
    transport_socket: {
      name: 'envoy.transport_sockets.raw_buffer',
      typed_config: typed('extensions.transport_sockets.raw_buffer.v3.RawBuffer'),
    },
  }),
}

function filter(name: 'original_dst' | 'original_src', fields: Json = {}): Json {
  const type = name === 'original_dst' ? 'original_dst.v3.OriginalDst' : 'original_src.v3.OriginalSrc'
  return { name: `envoy.filters.listener.${name}`, typed_config: typed(`extensions.filters.listener.${type}`, fields) }
}

function listener(name: string, port: number, chains: readonly Json[], filters: readonly Json[]): Json {
  return {
    name,
    address: socket('0.0.0.0', port),
    additional_addresses: [{ address: socket('::', port) }],
    listener_filters: [filter('original_dst'), ...filters],
    filter_chains: chains,
  }
}

function chain(cluster: string, match: Json = {}): Json {
  const proxy = typed('extensions.filters.network.tcp_proxy.v3.TcpProxy', { stat_prefix: cluster, cluster })
  return { filter_chain_match: match, filters: [{ name: 'envoy.filters.network.tcp_proxy', typed_config: proxy }] }
}

/** From which address connections are made, and with which mark. */
function bound(from: string | null, mark: number | undefined): Json {
  const source = from === null ? {} : { source_address: { address: from, port_value: 0 } }
  const [solSocket, soMark] = [1, 36]
  const option = { level: solSocket, name: soMark, int_value: mark, state: 'STATE_PREBIND' }
  const options = mark === undefined ? {} : { socket_options: [option] }
  return from === null && mark === undefined ? {} : { upstream_bind_config: { ...source, ...options } }
}

function passthrough(name: string): Json {
  return {
    name,
    type: 'ORIGINAL_DST',
    lb_policy: 'CLUSTER_PROVIDED',
    connect_timeout: '1s',
    transport_socket: proxyLine,
  }
}

function fixed(name: string, address: string, protocol: string): Json {
  const endpoint = { endpoint: { address: socket(address, 53, protocol) } }
  return {
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [endpoint] }] },
  }
}

function dnsOverTcp(): Json {
  return {
    name: 'dns-tcp',
    address: socket('0.0.0.0', 15053),
    additional_addresses: [{ address: socket('::', 15053) }],
    filter_chains: [chain('dns-tcp')],
  }
}

function dnsOverUdp(address: string): Json {
  const route = typed('extensions.filters.udp.udp_proxy.v3.Route', { cluster: 'dns-udp' })
  const config = typed('extensions.filters.udp.udp_proxy.v3.UdpProxyConfig', {
    stat_prefix: 'dns',
    matcher: { on_no_match: { action: { name: 'route', typed_config: route } } },
  })
  return {
    name: `dns-udp-${address}`,
    address: socket(address, 15053, 'UDP'),
    listener_filters: [{ name: 'envoy.filters.udp_listener.udp_proxy', typed_config: config }],
  }
}
