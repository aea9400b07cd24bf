import type { ProtoFields, ProtoKind } from './proto-json.ts'

const TLS: ProtoKind = {
  message: {
    mode: { enum: ['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL'] },
    clientCertificate: 'string',
    privateKey: 'string',
    caCertificates: 'string',
    credentialName: 'string',
    subjectAltNames: { list: 'string' },
    sni: 'string',
    insecureSkipVerify: 'BoolValue',
    caCrl: 'string',
  },
}

const REMOTE_SERVICE: ProtoKind = {
  message: {
    address: 'string',
    tlsSettings: TLS,
    tcpKeepalive: { message: { probes: 'uint32', time: 'duration', interval: 'duration' } },
  },
}

const NAME_AND_DEFAULT: ProtoKind = { message: { name: 'string', defaultValue: 'string' } }

const TRACING: ProtoKind = {
  message: {
    zipkin: { message: { address: 'string' } },
    lightstep: { message: { address: 'string', accessToken: 'string' } },
    datadog: { message: { address: 'string' } },
    stackdriver: {
      message: {
        debug: 'bool',
        maxNumberOfAttributes: 'Int64Value',
        maxNumberOfAnnotations: 'Int64Value',
        maxNumberOfMessageEvents: 'Int64Value',
      },
    },
    openCensusAgent: {
      message: {
        address: 'string',
        context: { list: { enum: ['UNSPECIFIED', 'W3C_TRACE_CONTEXT', 'GRPC_BIN', 'CLOUD_TRACE_CONTEXT', 'B3'] } },
      },
    },
    customTags: {
      map: {
        message: {
          literal: { message: { value: 'string' } },
          environment: NAME_AND_DEFAULT,
          header: NAME_AND_DEFAULT,
        },
      },
    },
    maxPathTagLength: 'uint32',
    sampling: 'double',
    tlsSettings: TLS,
    enableIstioTags: 'BoolValue',
  },
}

const CLIENT_CERTIFICATE_DETAILS: ProtoKind = {
  enum: ['UNDEFINED', 'SANITIZE', 'FORWARD_ONLY', 'APPEND_FORWARD', 'SANITIZE_SET', 'ALWAYS_FORWARD_ONLY'],
}

const DISABLED: ProtoKind = { message: { disabled: 'BoolValue' } }

const PROXY_HEADERS: ProtoKind = {
  message: {
    forwardedClientCert: CLIENT_CERTIFICATE_DETAILS,
    setCurrentClientCertDetails: {
      message: { subject: 'BoolValue', cert: 'BoolValue', chain: 'BoolValue', dns: 'BoolValue', uri: 'BoolValue' },
    },
    requestId: DISABLED,
    server: { message: { disabled: 'BoolValue', value: 'string' } },
    attemptCount: DISABLED,
    envoyDebugHeaders: DISABLED,
    metadataExchangeHeaders: { message: { mode: { enum: ['UNDEFINED', 'IN_MESH'] } } },
    preserveHttp1HeaderCase: 'BoolValue',
    xForwardedHost: 'BoolValue',
    xForwardedPort: 'BoolValue',
  },
}

const KEY_PROVIDER: ProtoKind = { message: { pollDelay: 'duration', fallback: 'BoolValue' } }

/** The message `istio.mesh.v1alpha1.ProxyConfig`. */
export const PROXY_CONFIG_FIELDS: ProtoFields = {
  configPath: 'string',
  binaryPath: 'string',
  serviceCluster: 'string',
  tracingServiceName: {
    enum: ['APP_LABEL_AND_NAMESPACE', 'CANONICAL_NAME_ONLY', 'CANONICAL_NAME_AND_NAMESPACE'],
    ofChoice: true,
  },
  drainDuration: 'duration',
  discoveryAddress: 'string',
  zipkinAddress: 'string',
  statsdUdpAddress: 'string',
  proxyAdminPort: 'int32',
  controlPlaneAuthPolicy: { enum: ['NONE', 'MUTUAL_TLS'] },
  customConfigFile: 'string',
  statNameLength: 'int32',
  concurrency: 'Int32Value',
  proxyBootstrapTemplatePath: 'string',
  interceptionMode: { enum: ['REDIRECT', 'TPROXY', 'NONE'] },
  tracing: TRACING,
  envoyAccessLogService: REMOTE_SERVICE,
  envoyMetricsService: REMOTE_SERVICE,
  proxyMetadata: { map: 'string' },
  runtimeValues: { map: 'string' },
  statusPort: 'int32',
  extraStatTags: { list: 'string' },
  gatewayTopology: {
    message: {
      numTrustedProxies: 'uint32',
      forwardClientCertDetails: CLIENT_CERTIFICATE_DETAILS,
      proxyProtocol: { message: {} },
    },
  },
  terminationDrainDuration: 'duration',
  meshId: 'string',
  readinessProbe: 'any',
  proxyStatsMatcher: {
    message: {
      inclusionPrefixes: { list: 'string' },
      inclusionSuffixes: { list: 'string' },
      inclusionRegexps: { list: 'string' },
    },
  },
  holdApplicationUntilProxyStarts: 'BoolValue',
  caCertificatesPem: { list: 'string' },
  image: { message: { imageType: 'string' } },
  privateKeyProvider: { message: { cryptomb: KEY_PROVIDER, qat: KEY_PROVIDER } },
  proxyHeaders: PROXY_HEADERS,
  fileFlushInterval: 'duration',
  fileFlushMinSizeKb: 'UInt32Value',
  statsCompression: 'BoolValue',
}
