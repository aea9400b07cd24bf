import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '../../../src/app/commands/command.ts'
import { installPlaces } from '../../../src/app/commands/install-places.ts'

const nothing = (): boolean => false

test('a node that looks like no platform gets the usual places', () => {
  assert.deepEqual(installPlaces({ 'plugin-source': '/image/sluice-cni' }, nothing), {
    binDir: '/opt/cni/bin',
    confDir: '/etc/cni/net.d',
    netnsDir: '/var/run/netns',
    source: '/image/sluice-cni',
    placement: { is: 'chained', file: undefined },
    nodeNames: [],
  })
})

test('what the node calls its directories is known where it is said and differs', () => {
  const flags = { 'cni-bin-dir': '/host/cni-bin', 'cni-conf-dir': '/etc/cni/net.d' }
  const said = { ...flags, 'node-cni-bin-dir': '/home/kubernetes/bin', 'node-cni-conf-dir': '/etc/cni/net.d' }
  assert.deepEqual(installPlaces(said, nothing).nodeNames, [{ here: '/host/cni-bin', onNode: '/home/kubernetes/bin' }])
})

test('a flag wins over the platform that is named, and this over what the node looks like', () => {
  const looksLikeGke = (directory: string): boolean => directory === '/home/kubernetes/bin'
  assert.equal(installPlaces({}, looksLikeGke).binDir, '/home/kubernetes/bin')
  assert.equal(installPlaces({ platform: 'openshift' }, looksLikeGke).binDir, '/var/lib/cni/bin')
  assert.equal(installPlaces({ platform: 'openshift', 'cni-bin-dir': '/b' }, looksLikeGke).binDir, '/b')
})

test('the placement is the mode that is named, else that of the platform', () => {
  const placement = (flags: Readonly<Record<string, string>>): unknown => installPlaces(flags, nothing).placement
  assert.deepEqual(placement({ platform: 'openshift' }), { is: 'standalone', ownFile: 'YYY-sluice-cni.conf' })
  assert.deepEqual(placement({ platform: 'openshift', 'cni-conf-name': 'a.conf' }), {
    is: 'standalone',
    ownFile: 'a.conf',
  })
  assert.deepEqual(placement({ 'cni-conf-mode': 'owned', 'cni-conf-name': 'p.conflist' }), {
    is: 'owned',
    file: 'p.conflist',
    ownFile: '02-sluice-cni.conflist',
  })
  assert.deepEqual(placement({ 'cni-conf-mode': 'chained', platform: 'openshift' }), { is: 'chained', file: undefined })
})

test('a name that leads out of the directory is refused', () => {
  for (const name of ['../x.conf', '/etc/passwd', '.hidden', 'a/b', 'a\nb'])
    assert.throws(() => installPlaces({ 'cni-conf-name': name }, nothing), UsageError)
})
