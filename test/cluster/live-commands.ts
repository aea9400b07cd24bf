import assert from 'node:assert/strict'
import { readObjects } from '../../scripts/demo/examples.ts'
import type { JsonObject } from '../../src/core/json/value.ts'
import { type Run, sluice } from '../app/commands/run-sluice.ts'
import { type Mesh, startMesh } from './mesh.ts'

export const SIDECARS = { 'istio-injection': 'enabled' }

/** A cluster with pods in the mesh and outside, and the commands that ask it. */
export interface Live {
  readonly mesh: Mesh
  readonly apply: (...objects: readonly JsonObject[]) => Promise<void>
  /** Runs \`sluice ARGV…\` as its administrator, where ARGV says nothing else. */
  readonly sluice: (...argv: readonly string[]) => Promise<Run>
  /** The same with \`-o json\`, as a list. */
  readonly json: (...argv: readonly string[]) => Promise<readonly Readonly<Record<string, unknown>>[]>
}

const PIPED = { kind: 'Pod', metadata: { name: 'piped' }, spec: { containers: [{ name: 'a', image: 'a:1' }] } }

/** Starts the cluster: \`shop/web\` is cni, \`shop/legacy\` init, \`plain/bare\` in no mesh. */
export async function startLive(): Promise<Live> {
  const bounded = { ...SIDECARS, 'sluice-mesh.io/mode': 'init' }
  const mesh = await startMesh({ shop: SIDECARS, bounded, plain: {}, foreign: { ...SIDECARS, 'control-plane': 'x' } })
  try {
    const live = liveOf(mesh)
    // the API server makes nodes with it, and a controller that does not run here would take it away
    await mesh.server.kubectl(['taint', 'nodes', '--all', 'node.kubernetes.io/not-ready-'])
    await live.apply(...readObjects('cluster.yaml').filter(({ kind }) => kind === 'ConfigMap' || kind === 'DaemonSet'))
    const made = await mesh.create(
      [
        pod('shop', 'web'),
        pod('shop', 'legacy', { spec: { nodeSelector: { pool: 'legacy' }, tolerations: [{ operator: 'Exists' }] } }),
        pod('plain', 'bare'),
      ],
      'for real',
    )
    assert.equal(made.code, 0, made.stderr)
    return live
  } catch (error) {
    await mesh.stop()
    throw error
  }
}

function liveOf(mesh: Mesh): Live {
  const asking = async (...argv: readonly string[]): Promise<Run> => {
    const whole = argv.includes('--kubeconfig') ? argv : [...argv, '--kubeconfig', mesh.server.kubeconfig]
    return await sluice(whole, { stdin: JSON.stringify(PIPED) })
  }
  return {
    mesh,
    sluice: asking,
    apply: async (...objects) => {
      const list = { apiVersion: 'v1', kind: 'List', items: objects }
      const { code, stderr } = await mesh.server.kubectl(['apply', '-f', '-'], JSON.stringify(list))
      assert.equal(code, 0, stderr)
    },
    json: async (...argv) => {
      const { out, err } = await asking(...argv, '-o', 'json')
      const value = JSON.parse(out === '' ? JSON.stringify(err) : out) as unknown
      return (Array.isArray(value) ? value : [value]) as readonly Readonly<Record<string, unknown>>[]
    },
  }
}

/** A pod that asks for nothing. */
export function pod(
  namespace: string,
  name: string,
  over: { metadata?: JsonObject; spec?: JsonObject } = {},
): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, ...over.metadata },
    spec: { containers: [{ name: 'app', image: 'registry.example/app:1' }], ...over.spec },
  }
}
