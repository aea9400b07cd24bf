import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { podOfCgroup } from '../../../src/core/cgroup/pod-of-cgroup.ts'

const UID = '2c48913c-b29f-11e7-9350-020968147796'
const CONTAINER = '9bca8d63d5fa610783847915bcff0ecac1273e5b4bed3f6fa1b07350e0135961'
const IN_POD = { is: 'container', podUid: UID, container: CONTAINER } as const

test('the lines of all hierarchies may name the same container', () => {
  const path = `/kubepods/burstable/pod${UID}/${CONTAINER}`
  assert.deepEqual(podOfCgroup(`12:pids:${path}\n11:cpu,cpuacct:${path}\n1:name=systemd:/init.scope\n`), IN_POD)
})

test('the same container in two pods is unclear', () => {
  const other = UID.replaceAll('2', '3')
  const text = `1:a:/pod${UID}/${CONTAINER}\n2:b:/pod${other}/${CONTAINER}\n`
  assert.equal(podOfCgroup(text).is, 'unclear')
})

test("CRI-O's usual path, in both forms, names the pod", () => {
  const slice = `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID.replaceAll('-', '_')}.slice`
  assert.deepEqual(podOfCgroup(`0::${slice}/crio-${CONTAINER}.scope\n`), IN_POD)
})

test('an empty line between others is unclear, the end of the last line is not', () => {
  assert.equal(podOfCgroup(`0::/pod${UID}/${CONTAINER}\n\n1:a:/\n`).is, 'unclear')
  assert.deepEqual(podOfCgroup(`0::/pod${UID}/${CONTAINER}`), IN_POD)
})

test('a uid is found behind any prefix and any separator that is punctuation', () => {
  const separator = fc.constantFrom(...Array.from('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'))
  const prefix = fc.array(fc.constantFrom('kubepods', 'kubelet.slice', '..', 'docker', CONTAINER), { maxLength: 4 })
  fc.assert(
    fc.property(prefix, separator, separator, (parts, between, after) => {
      const path = `/${[...parts, `pod${UID.replaceAll('-', between)}`].join('/')}${after}${CONTAINER}`
      assert.deepEqual(podOfCgroup(`0::${path}\n`), IN_POD)
    }),
  )
})
