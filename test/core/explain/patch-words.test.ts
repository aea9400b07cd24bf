import assert from 'node:assert/strict'
import { test } from 'node:test'
import { patchWords } from '../../../src/core/explain/patch-words.ts'

const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'app', image: 'a' }] } }

for (const { name, patch, want } of [
  {
    name: 'a new container is named with its image, and its environment is only counted',
    patch: {
      op: 'add',
      path: '/spec/containers/1',
      value: { name: 'istio-proxy', image: 'proxyv2', env: [{ name: 'A', value: 'secret' }] },
    },
    want: ['+ spec.containers[1] istio-proxy  image proxyv2, 1 env'],
  },
  {
    name: 'an element that was there is called by its name',
    patch: { op: 'replace', path: '/spec/containers/0/readinessProbe/httpGet/port', value: 15020 },
    want: ['~ spec.containers[app].readinessProbe.httpGet.port 15020'],
  },
  {
    name: 'a new list of named things is one line for each',
    patch: { op: 'add', path: '/spec/volumes', value: [{ name: 'x', emptyDir: {} }, { name: 'y' }] },
    want: ['+ spec.volumes[] x  (emptyDir)', '+ spec.volumes[] y'],
  },
  {
    name: 'an escaped key is shown as it is',
    patch: { op: 'add', path: '/metadata/annotations', value: { 'istio.io/rev': 'default' } },
    want: [`+ metadata.annotations.'istio.io/rev' "default"`],
  },
  {
    name: 'what goes is only named',
    patch: { op: 'remove', path: '/metadata/labels/a~1b' },
    want: [`- metadata.labels.'a/b'`],
  },
  {
    name: 'the value of an environment variable is never shown',
    patch: { op: 'add', path: '/spec/containers/0/env', value: [{ name: 'TOKEN', value: 'hunter2' }] },
    want: ['+ spec.containers[app].env[] TOKEN'],
  },
  {
    name: 'nor is it when it alone changes',
    patch: { op: 'replace', path: '/spec/containers/0/env/1/value', value: 'hunter2' },
    want: ['~ spec.containers[app].env[1].value (not shown)'],
  },
] as const)
  test(name, () => assert.deepEqual(patchWords([patch], pod), want))

test('a line is cut where a screen ends', () => {
  const [line = ''] = patchWords([{ op: 'add', path: '/metadata/annotations/x', value: 'y'.repeat(500) }], pod)
  assert.ok(line.length <= 96 && line.endsWith('…'))
})
