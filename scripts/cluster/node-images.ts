/** The images of a test node: the pause process and test pods, a proxy with a real Envoy, and Sluice as it ships. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeIntent } from '../../src/core/intent/codec.ts'
import { NFTABLES } from '../../src/core/redirection/nftables.ts'
import { plannedModel } from '../../src/core/redirection/rules-text.ts'
import { sentence } from '../../src/core/vocabulary/reasons.ts'
import { FetchError } from '../cache.ts'
import { envoyBootstrap } from '../envoy-bootstrap.ts'
import { makeImage, makeRootfs } from '../image/image.ts'
import { addProgram } from '../image/rootfs.ts'
import { writeImage } from '../image/oci-image.ts'
import { netnsTools } from '../netns-tools.ts'

export const BOX_IMAGE = 'test.local/box:1'
export const SLUICE_IMAGE = 'test.local/sluice:1'
/** in the place of Istio's image: `global.hub` and `global.tag` of the injector's values name it */
export const PROXY_IMAGE = { hub: 'test.local', tag: '1' } as const
/** a stand-in for Istio's CNI node agent and its plugin */
export const ISTIO_CNI_IMAGE = 'test.local/install-cni:1'
const PAUSE_IMAGE = 'test.local/pause:1'

/** Writes every image into `folder`, from where a node imports them when it starts. */
export function addImages(folder: string): void {
  inFolder((root) => {
    compile('box', join(root, 'box'))
    for (const [reference, name] of [
      [PAUSE_IMAGE, 'pause'],
      [BOX_IMAGE, 'box'],
    ] as const)
      writeImage({ reference, root, entrypoint: ['/box'], file: join(folder, `${name}.tar`) })
  })
  inFolder((root) => {
    compile('istio-cni', join(root, 'install-cni'))
    writeImage({ reference: ISTIO_CNI_IMAGE, root, entrypoint: ['/install-cni'], file: join(folder, 'istio-cni.tar') })
  })
  inFolder((root) => {
    fillProxy(root)
    const reference = `${PROXY_IMAGE.hub}/proxyv2:${PROXY_IMAGE.tag}`
    writeImage({ reference, root, entrypoint: ['/pilot-agent'], file: join(folder, 'proxy.tar') })
  })
  makeImage(SLUICE_IMAGE, join(folder, 'sluice.tar'))
}

/** Envoy with the listeners of proxyv2, what starts it, and the rules that a pod of mode init makes by itself. */
function fillProxy(root: string): void {
  // for its nft
  makeRootfs(root)
  compile('pilot-agent', join(root, 'pilot-agent'))
  addProgram(root, netnsTools().envoy, 'envoy')
  writeFileSync(
    join(root, 'envoy.json'),
    JSON.stringify(envoyBootstrap({ transparentMark: null, resolver: '127.0.0.1' })),
  )
  writeFileSync(join(root, 'rules.nft'), usualRules())
}

/** What `istio-init` would make with the arguments of a pod that asks for nothing of its own. */
function usualRules(): string {
  const intent = {
    v: 1,
    kind: 'sidecar',
    inboundPorts: '*',
    inboundPortsExcluded: '15090,15021,15020',
    outboundCidrs: '*',
  }
  const read = decodeIntent(JSON.stringify(intent))
  if (read.is === 'refused') throw new Error(sentence(read.reason))
  return NFTABLES.render(plannedModel(read.intent, [4, 6], false)).text
}

function compile(name: string, target: string): void {
  const source = join(import.meta.dirname, 'node', name, 'main.go')
  const env = { ...process.env, CGO_ENABLED: '0' }
  const args = ['build', '-trimpath', '-ldflags', '-s -w', '-o', target, source]
  const { status, error, stderr } = spawnSync('go', args, { env, encoding: 'utf8' })
  if (status !== 0) throw new FetchError(error?.message ?? stderr.trim())
}

function inFolder(work: (root: string) => void): void {
  const root = mkdtempSync(join(tmpdir(), 'sluice-root-'))
  try {
    work(root)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
