import { objectOr, stringOr } from '../../json/value.ts'
import { annotation } from '../pod-parts.ts'
import type { TemplateInput } from './template.ts'

/** Suffixes of a tag that name a kind of image. */
const KINDS = ['-distroless', '-debug']

/** `tag` for an image of `type`: empty leaves it, `default` takes the kind off (table `imageTag`). */
export function imageTag(tag: string, type: string): string {
  if (type === '') return tag
  const kind = KINDS.find((suffix) => tag.endsWith(suffix)) ?? ''
  const plain = tag.slice(0, tag.length - kind.length)
  return type === 'default' ? plain : `${plain}-${type}`
}

/** Tag and digest of an image reference; empty where it has none (table `imageTagDigest`). */
export function imageTagDigest(image: string): { readonly tag: string; readonly digest: string } {
  const [name = '', digest = ''] = image.split('@', 2)
  const last = name.slice(name.lastIndexOf('/') + 1)
  const at = last.indexOf(':')
  return { tag: at < 0 ? '' : last.slice(at + 1), digest }
}

/** The image of the proxy. */
export function proxyImage(input: TemplateInput): string {
  const type = stringOr(objectOr(input.proxyConfig['image'])['imageType']) ?? ''
  return imageOf(input, input.context.settings.injectorValues.global.proxy.image, type)
}

/** The image of the container that sets the redirection up, or checks it. */
export function initImage(input: TemplateInput): string {
  return imageOf(input, input.context.settings.injectorValues.global.proxy_init.image, '')
}

function imageOf(input: TemplateInput, configured: string, configuredType: string): string {
  const { hub, tag, variant } = input.context.settings.injectorValues.global
  const asked = annotation(input.pod, 'sidecar.istio.io/proxyImage') ?? configured
  const type = annotation(input.pod, 'sidecar.istio.io/proxyImageType') ?? (configuredType || variant)
  // a name without a slash in the annotation is not used
  if (asked.includes('/')) return asked
  return configured.includes('/') ? configured : `${hub}/${configured}:${imageTag(tag, type)}`
}
