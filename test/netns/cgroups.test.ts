import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CGROUPFS, HIERARCHIES, makeCgroup, podUid, startPodProcess } from './pod-process.ts'
import { ip, makeNetns } from './world.ts'

/**
 * A pod is found by the cgroup of its processes however its node has cgroups: either version, either driver of the kubelet, and seen
 * from the node or from a container with a cgroup namespace of its own, as runtimes give it with version 2.
 */
const ADDRESS = '10.89.0.2'
const netns = makeNetns('cgroups')
ip('-n', netns.name, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'other0')
ip('-n', netns.name, 'address', 'add', ADDRESS, 'dev', 'eth0')
for (const device of ['eth0', 'other0']) ip('-n', netns.name, 'link', 'set', device, 'up')

const slice = (uid: string): string => `pod${uid.replaceAll('-', '_')}.slice`
const DRIVERS: Readonly<Record<string, typeof CGROUPFS>> = {
  cgroupfs: CGROUPFS,
  'cgroupfs below the class of the pod': (uid, container) => `burstable/pod${uid}/${container}`,
  'cgroupfs with a kubelet that was told of systemd': (uid, container) =>
    `kubepods-besteffort-${slice(uid)}:cri-containerd:${container}`,
  'systemd with containerd': (uid, container) =>
    `kubepods.slice/kubepods-burstable.slice/kubepods-burstable-${slice(uid)}/cri-containerd-${container}.scope`,
  'systemd with CRI-O': (uid, container) => `kubepods.slice/kubepods-${slice(uid)}/crio-${container}.scope`,
  'systemd within a node in a container': (uid, container) =>
    `kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-${slice(uid)}/cri-containerd-${container}.scope`,
  'systemd, and a container that has cgroups of its own': (uid, container) =>
    `kubepods.slice/kubepods-${slice(uid)}/crio-${container}.scope/container`,
}

/** Where an agent would say that each pod is, if it runs in the cgroup `own`; null: where this test runs. */
function foundFrom(own: string | null, uids: readonly string[]): readonly string[] {
  const program = join(import.meta.dirname, 'programs/find-netns.ts')
  const looks = [process.execPath, program, ADDRESS, ...uids]
  const enter = 'echo $$ >"$0/cgroup.procs"; exec unshare --cgroup -- "$@"'
  const [file = '', ...args] = own === null ? looks : ['sh', '-c', enter, own, ...looks]
  const { stdout, stderr, status } = spawnSync(file, args, { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return stdout.trim().split('\n')
}

test('this machine has cgroups to try it with', () => {
  assert.ok(HIERARCHIES.length > 0)
})

for (const hierarchy of HIERARCHIES)
  test(`with cgroups of version ${hierarchy.version} pods are found by either driver, from the node and from a container`, async () => {
    const pods = await Promise.all(
      Object.entries(DRIVERS).map(async ([driver, pathOf]) => {
        const uid = podUid()
        const pid = await startPodProcess(uid, netns, pathOf, hierarchy)
        assert.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), new RegExp(uid.replaceAll('-', '[-_]')))
        return { driver, uid }
      }),
    )
    const uids = [...pods.map(({ uid }) => uid), podUid()]
    const drivers = [...pods.map(({ driver }) => driver), 'a pod that is not there']
    const containers = [CGROUPFS, DRIVERS['systemd with containerd'] ?? CGROUPFS].map((pathOf) =>
      makeCgroup(pathOf(podUid(), 'a'.repeat(64)), hierarchy),
    )
    for (const own of [null, ...containers]) {
      const found = foundFrom(own, uids)
      assert.equal(found.length, uids.length)
      for (const [i, path] of found.entries())
        if (i < pods.length) assert.equal(path, netns.path, `${drivers[i]} from ${own}`)
        else assert.match(path, /no process of the pod/)
    }
  })
