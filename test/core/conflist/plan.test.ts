import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { withEntry } from '../../../src/core/conflist/edit.ts'
import { excludedNamespaces, pluginEntry } from '../../../src/core/conflist/entry.ts'
import { type Placement, type Plan, plan, planRemoval, type Step } from '../../../src/core/conflist/plan.ts'
import { firstUsable } from '../../../src/core/conflist/select.ts'
import { listText, singleText } from './generated.ts'
import { VENDORS } from './vendors.ts'

const ENTRY = pluginEntry({ socket: '/var/run/sluice/cni.sock', excludeNamespaces: ['kube-system'] })
const TYPE = 'sluice-cni'
const CHAINED: Placement = { is: 'chained', file: undefined }
const OWNED: Placement = { is: 'owned', file: undefined, ownFile: '02-sluice-cni.conflist' }
const LIST = '{"name":"n","plugins":[{"type":"calico"}]}'
const CONF = '{\n  "cniVersion": "0.4.0",\n  "name": "dbnet",\n  "type": "bridge"\n}\n'

type Files = Readonly<Record<string, string>>

function planned(files: Files, placement: Placement = CHAINED): Plan {
  return plan(new Map(Object.entries(files)), { placement, entry: ENTRY, directory: '/etc/cni/net.d' })
}

function applied(files: Files, steps: readonly Step[]): Files {
  const after = new Map(Object.entries(files))
  for (const step of steps)
    if (step.do === 'remove') after.delete(step.file)
    else after.set(step.file, step.text)
  return Object.fromEntries(after)
}

function installed(files: Files, placement: Placement = CHAINED): Files {
  const made = planned(files, placement)
  assert.equal(made.is, 'steps')
  return applied(files, made.steps)
}

function removed(files: Files): Files {
  return applied(files, planRemoval(new Map(Object.entries(files)), TYPE))
}

function reasonOf(made: Plan): string {
  return made.reason?.code ?? 'none'
}

test("each vendor's directory is as it was, byte for byte, after an installation and a removal", () => {
  for (const [file, text] of VENDORS)
    for (const placement of [CHAINED, OWNED, { is: 'standalone', ownFile: 'YYY-sluice-cni.conf' } as const]) {
      const before = { [file]: text, '99-loopback.conf': '{"cniVersion":"0.2.0","name":"lo","type":"loopback"}' }
      const after = installed(before, placement)
      assert.notDeepEqual(after, before, file)
      assert.deepEqual(removed(after), before, file)
    }
})

test('the same holds for generated directories, and a second round has nothing to do', () => {
  const files = fc.record(
    { '10-a.conf': singleText, '20-b.conflist': listText, '30-c.json': singleText },
    { requiredKeys: [] },
  )
  const placements = fc.constantFrom<Placement>(CHAINED, OWNED, { is: 'standalone', ownFile: 'x.conf' })
  fc.assert(
    fc.property(files, placements, (made, placement) => {
      const before = { ...made } as Files
      if (firstUsable(new Map(Object.entries(before)), TYPE) === undefined) return
      const after = installed(before, placement)
      const again = planned(after, placement)
      assert.deepEqual({ ...again, file: '' }, { is: 'steps', file: '', steps: [] })
      assert.deepEqual(removed(after), before)
    }),
    { numRuns: 500 },
  )
})

test('after each single step there is a configuration that the runtime can use, whichever step was the last before a crash', () => {
  for (const placement of [CHAINED, OWNED])
    for (const before of [{ '10-b.conf': CONF }, { '10-b.json': CONF }, { '10-c.conflist': LIST }] as Files[]) {
      const steps = (made: Plan): readonly Step[] => (made.is === 'steps' ? made.steps : [])
      const all = steps(planned(before, placement))
      for (let count = 0; count <= all.length; count++) {
        const crashed = applied(before, all.slice(0, count))
        assert.notEqual(firstUsable(new Map(Object.entries(crashed)), TYPE), undefined)
        assert.deepEqual(installed(crashed, placement), installed(before, placement))
        assert.deepEqual(removed(crashed), before)
      }
    }
})

test('a configuration of one plugin becomes a list of the same network and version', () => {
  assert.deepEqual(Object.keys(installed({ '10-b.conf': CONF })), ['10-b.conflist'])
  const list = JSON.parse(installed({ '10-b.conf': CONF })['10-b.conflist'] ?? '') as Record<string, unknown>
  assert.deepEqual([list['cniVersion'], list['name']], ['0.4.0', 'dbnet'])
  assert.deepEqual((list['plugins'] as unknown[])[0], { name: 'dbnet', type: 'bridge' })
})

test('one without a version gets none, and one without a name a name', () => {
  for (const conf of ['{"type":"bridge"}', '{"cniVersion":null,"name":null,"type":"bridge"}']) {
    const after = installed({ 'a.conf': conf })
    const list = JSON.parse(after['a.conflist'] ?? '') as Record<string, unknown>
    assert.deepEqual(['cniVersion' in list, list['name']], [false, 'k8s-pod-network'])
    assert.equal(planned(after).is, 'steps')
    assert.deepEqual(removed(after), { 'a.conf': conf })
  }
})

test('an owner who writes the .conf anew is followed', () => {
  const first = installed({ '10-b.conf': CONF })
  const newer = CONF.replace('bridge', 'macvlan')
  const after = installed({ ...first, '10-b.conf': newer })
  assert.deepEqual(Object.keys(after), ['10-b.conflist'])
  assert.match(after['10-b.conflist'] ?? '', /macvlan/)
  assert.deepEqual(removed(after), { '10-b.conf': newer })
})

test('a list that others changed since it was made of a .conf stays a list when our entry goes', () => {
  const made = installed({ '10-b.conf': CONF })['10-b.conflist'] ?? ''
  const changed = made.replace('"plugins": [', '"plugins": [{"type":"tuning"},')
  const after = removed({ '10-b.conflist': changed })
  assert.deepEqual(Object.keys(after), ['10-b.conflist'])
  assert.match(after['10-b.conflist'] ?? '', /tuning/)
  assert.doesNotMatch(after['10-b.conflist'] ?? '', /sluice/)
})

test('an original that names any other file is not believed', () => {
  const made = installed({ '10-b.conf': CONF })['10-b.conflist'] ?? ''
  for (const file of ['../10-b.conf', '20-c.conf', '/etc/passwd']) {
    const after = removed({ '10-b.conflist': made.replace('"file": "10-b.conf"', `"file": "${file}"`) })
    assert.deepEqual(Object.keys(after), ['10-b.conflist'])
  }
})

test('the first usable file by the bytes of its name is the one that the runtime uses', () => {
  const chosen = (files: Files): string | undefined => firstUsable(new Map(Object.entries(files)), TYPE)?.file
  assert.equal(chosen({ '10-a.conflist': LIST, '10-A.conflist': LIST }), '10-A.conflist')
  assert.equal(chosen({ '\u{1f600}.conflist': LIST, '\ufb00.conflist': LIST }), '\ufb00.conflist')
  assert.equal(chosen({ '10.conflist': LIST, '1.conflist': LIST }), '1.conflist')
  assert.equal(chosen({ '05-x.json': CONF, '10-a.conflist': LIST }), '05-x.json')
  assert.equal(chosen({ '05-x.json': LIST, '06.conf': LIST, '10-a.conflist': LIST }), '10-a.conflist')
  assert.equal(
    chosen({ '00.conflist': `{"name":"n","plugins":[{"type":"${TYPE}"}]}`, '1.conflist': LIST }),
    '1.conflist',
  )
})

test('what no runtime would take is passed over, and named', () => {
  const bad: Files = {
    '1.conflist': '',
    '2.conflist': '{ not json',
    '3.conflist': '[]',
    '4.conflist': `\ufeff${LIST}`,
    '5.conflist': '{"plugins":[{"type":"a"}]}',
    '6.conflist': '{"name":"n","plugins":[{"type":""}]}',
    '7.conf': '{"name":"n","cniVersion":1,"type":"a"}',
    '9.conf': '{"name":[],"type":"a"}',
    '8.conflist': `{"name":"n","plugins":[{"type":"a"}],"x":"${'x'.repeat(1 << 20)}"}`,
    README: LIST,
  }
  const made = planned(bad)
  assert.equal(reasonOf(made), 'cni_config_absent')
  assert.match(JSON.stringify(made), /1\.conflist is empty; 2\.conflist is not JSON; 3.* 8\.conflist is larger/)
  assert.doesNotMatch(JSON.stringify(made), /README/)
})

test('a name is followed to its twin, and waited for when neither is there', () => {
  const at = (file: string): Placement => ({ is: 'chained', file })
  assert.deepEqual(Object.keys(installed({ 'a.conf': CONF }, at('a.conflist'))), ['a.conflist'])
  assert.deepEqual(Object.keys(installed({ 'a.conflist': LIST }, at('a.conf'))), ['a.conflist'])
  assert.deepEqual(Object.keys(installed({ 'un.detectable': LIST }, at('un.detectable'))), ['un.detectable'])
  assert.equal(reasonOf(planned({ 'a.conflist': LIST }, at('b.conf'))), 'cni_config_named_absent')
  assert.equal(reasonOf(planned({ 'a.conflist': '{' }, at('a.conflist'))), 'cni_config_unusable')
  const onlyOurs = JSON.stringify({ name: 'n', plugins: [ENTRY] })
  assert.equal(reasonOf(planned({ 'a.conflist': onlyOurs }, at('a.conflist'))), 'cni_config_unusable')
})

test('a named file that the runtime does not use is written, and said to be outranked', () => {
  const made = planned({ '05.conflist': LIST, '10.conflist': LIST }, { is: 'chained', file: '10.conflist' })
  assert.equal(reasonOf(made), 'cni_config_outranked')
  assert.equal(made.is === 'steps' ? made.steps.length : 0, 1)
})

test('a leftover list of somebody else under the name that a .conf would get is not overwritten', () => {
  assert.equal(reasonOf(planned({ 'a.conf': CONF, 'a.conflist': LIST })), 'cni_config_taken')
  assert.equal(reasonOf(planned({ '10.conflist': LIST, '02-sluice-cni.conflist': LIST }, OWNED)), 'cni_config_taken')
  const standalone: Placement = { is: 'standalone', ownFile: 'own.conf' }
  for (const text of [CONF, LIST, '', '{'])
    assert.equal(reasonOf(planned({ 'own.conf': text }, standalone)), 'cni_config_taken')
})

test('when another file comes to sort first, the entry moves there', () => {
  const before = installed({ '10.conflist': LIST })
  const after = installed({ ...before, '05.conflist': LIST })
  assert.deepEqual(after, { '10.conflist': LIST, '05.conflist': withEntry(LIST, ENTRY) })
})

test('our own copy follows each change of the primary, and its primary alone is never written', () => {
  const before = installed({ '10.conflist': LIST }, OWNED)
  const changed = LIST.replace('"calico"', '"calico","mtu":1400')
  const after = installed({ ...before, '10.conflist': changed }, OWNED)
  assert.equal(after['10.conflist'], changed)
  assert.match(after['02-sluice-cni.conflist'] ?? '', /1400/)
})

test('our own copy that another file outranks is written once, and said to be outranked', () => {
  const after = installed({ '00.conflist': LIST }, OWNED)
  const again = planned(after, OWNED)
  assert.equal(reasonOf(again), 'cni_config_outranked')
  assert.deepEqual(again.is === 'steps' ? again.steps : undefined, [])
})

test('from one placement to another, the new entry is in place before the old one goes', () => {
  const chained = installed({ '10.conflist': LIST })
  const made = planned(chained, OWNED)
  assert.deepEqual(made.is === 'steps' ? made.steps.map((step) => step.file) : [], [
    '02-sluice-cni.conflist',
    '10.conflist',
  ])
  assert.deepEqual(installed(installed(chained, OWNED)), chained)
})

test('namespaces that are left alone are read with their spaces and gaps, and nothing else passes', () => {
  assert.deepEqual(excludedNamespaces(' kube-system , ,istio-system,'), ['kube-system', 'istio-system'])
  for (const bad of ['A', 'a b', '-a', 'a\n"', 'x'.repeat(64)]) assert.throws(() => excludedNamespaces(bad), RangeError)
})
