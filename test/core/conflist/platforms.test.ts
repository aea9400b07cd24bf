import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  binDirOf,
  detectPlatform,
  type Platform,
  platformNamed,
  PLATFORMS,
} from '../../../src/core/conflist/platforms.ts'

const there =
  (...directories: readonly string[]) =>
  (directory: string): boolean =>
    directories.includes(directory)

test('a node without a sign has the usual directories', () => {
  const { binDir, confDir, netnsDir, placement } = detectPlatform(() => false)
  assert.deepEqual(
    [binDir, confDir, netnsDir, placement],
    ['/opt/cni/bin', '/etc/cni/net.d', '/var/run/netns', 'chained'],
  )
})

test('each platform that differs from the usual is known by its sign, and by its name', () => {
  const differing = (PLATFORMS as readonly Platform[]).filter(({ sign }) => sign !== null)
  assert.deepEqual(
    differing.map(({ name }) => name),
    ['openshift', 'microk8s', 'k3s', 'k3d', 'gke', 'minikube'],
  )
  for (const platform of differing) assert.equal(detectPlatform(there(platform.sign ?? '')), platform)
  for (const { name } of PLATFORMS) assert.equal(platformNamed(name).name, name)
})

test('k3s is told from k3d, which has its configuration but not its plugins', () => {
  const conf = '/var/lib/rancher/k3s/agent/etc/cni/net.d'
  assert.equal(detectPlatform(there(conf)).name, 'k3d')
  assert.equal(detectPlatform(there(conf, '/var/lib/rancher/k3s/data')).name, 'k3s')
})

test('the older directory of k3s is taken where only that is there', () => {
  const [now, older] = ['/var/lib/rancher/k3s/data/cni', '/var/lib/rancher/k3s/data/current/bin']
  assert.equal(binDirOf(platformNamed('k3s'), there(older)), older)
  assert.equal(binDirOf(platformNamed('k3s'), there(now, older)), now)
  assert.equal(binDirOf(platformNamed('k3s'), there()), now)
})
