/** Who puts proxies into pods, by what the names of their webhook entries end in. */
export const INJECTORS = [
  { owner: 'Sluice', suffix: '.sluice-mesh.io' },
  { owner: 'Istio', suffix: 'sidecar-injector.istio.io' },
  { owner: 'Linkerd', suffix: 'linkerd-proxy-injector.linkerd.io' },
  { owner: 'Consul', suffix: 'consul-connect-injector.consul.hashicorp.com' },
  { owner: 'Kuma', suffix: '-kuma-injector.kuma.io' },
] as const
export type InjectorOwner = (typeof INJECTORS)[number]['owner']
