import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathEnv } from '../../../src/core/injection/path-env.ts'

const CASES: readonly { readonly path: string; readonly env: Readonly<Record<string, string>> }[] = [
  { path: '', env: {} },
  { path: '/inject', env: {} },
  { path: '/inject/', env: {} },
  { path: '/inject/cluster/c1', env: { ISTIO_META_CLUSTER_ID: 'c1' } },
  { path: '/inject/cluster/c1/net/n1/', env: { ISTIO_META_CLUSTER_ID: 'c1', ISTIO_META_NETWORK: 'n1' } },
  { path: '/inject/Foo_x/bar', env: { FOO_X: 'bar' } },
  { path: '/inject/cluster/a--slash--b--slash--c', env: { ISTIO_META_CLUSTER_ID: 'a/b/c' } },
  { path: '/inject/a--slash--b/c', env: { 'A--SLASH--B': 'c' } },
  { path: '/inject/cluster', env: {} },
  { path: '/inject/cluster/c1/net', env: { ISTIO_META_CLUSTER_ID: 'c1' } },
  { path: '/inject//x', env: {} },
  { path: '/inject/cluster//net/n', env: { ISTIO_META_CLUSTER_ID: '', ISTIO_META_NETWORK: 'n' } },
  { path: '/inject/cluster/c1/cluster/c2', env: { ISTIO_META_CLUSTER_ID: 'c2' } },
  { path: '/inject/k=v', env: {} },
  { path: '/other/cluster/c1', env: { ISTIO_META_CLUSTER_ID: 'c1' } },
  { path: '/inject/:ENV:cluster=c1:ENV:net=n1', env: { ISTIO_META_CLUSTER_ID: 'c1', ISTIO_META_NETWORK: 'n1' } },
  { path: '/inject/:ENV:a=b=c', env: { A: 'b=c' } },
  { path: '/inject/:ENV:=x:ENV:b=', env: { B: '' } },
  { path: '/inject/:ENV:novalue', env: {} },
  { path: '/inject/:ENV:cluster=a--slash--b', env: { ISTIO_META_CLUSTER_ID: 'a--slash--b' } },
]

for (const { path, env } of CASES)
  test(`the path "${path}" carries ${JSON.stringify(env)}`, () => assert.deepEqual(pathEnv(path), env))
