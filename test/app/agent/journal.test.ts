import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Journal, type JournalEntry } from '../../../src/app/agent/journal.ts'

const directory = mkdtempSync(join(tmpdir(), 'sluice-journal-'))
after(() => rmSync(directory, { recursive: true }))

const ENTRY: JournalEntry = {
  uid: 'uid-1',
  namespace: 'shop',
  name: 'web-0',
  containerId: 'sandbox-1',
  netnsPath: '/var/run/netns/cni-1',
  netnsId: '4:4026532281',
  addresses: ['10.1.2.3'],
  mode: 'cni',
  intent: '{"v":1,"kind":"sidecar"}',
  rules: 'found',
  appliedAt: '2026-11-28T01:00:00.000Z',
}

test('what was put is there after a restart, and what was removed is not', () => {
  const path = join(directory, 'made', 'journal.json')
  const before = new Journal(path, 'boot-1')
  before.put(ENTRY)
  before.put({ ...ENTRY, uid: 'uid-2' })
  before.remove('uid-2')
  assert.deepEqual(new Journal(path, 'boot-1').all(), [ENTRY])
})

test('the end of an older sandbox does not take the entry of the one that came after it', () => {
  const journal = new Journal(join(directory, 'sandboxes.json'), 'boot-1')
  journal.put({ ...ENTRY, containerId: 'sandbox-2' })
  journal.remove(ENTRY.uid, 'sandbox-1')
  assert.equal(journal.get(ENTRY.uid)?.containerId, 'sandbox-2')
  journal.remove(ENTRY.uid, 'sandbox-2')
  assert.equal(journal.get(ENTRY.uid), undefined)
})

for (const { name, text } of [
  { name: 'of another boot', text: JSON.stringify({ version: 1, bootId: 'boot-0', entries: [ENTRY] }) },
  { name: 'of another version', text: JSON.stringify({ version: 2, bootId: 'boot-1', entries: [ENTRY] }) },
  { name: 'cut off', text: JSON.stringify({ version: 1, bootId: 'boot-1', entries: [ENTRY] }).slice(0, 60) },
  {
    name: 'with an entry that is none',
    text: '{"version":1,"bootId":"boot-1","entries":[{"uid":"x","mode":"init"},7]}',
  },
])
  test(`a journal ${name} is an empty one`, () => {
    const path = join(directory, 'odd.json')
    writeFileSync(path, text)
    assert.deepEqual(new Journal(path, 'boot-1').all(), [])
  })

test('a journal that cannot be written is right in memory, says so, and is written when it can be', () => {
  const blocked = join(directory, 'blocked')
  writeFileSync(blocked, 'a file where the directory should be')
  const path = join(blocked, 'journal.json')
  const journal = new Journal(path, 'boot-1')
  journal.put(ENTRY)
  assert.match(journal.unwritten ?? '', / is no folder$/)
  assert.deepEqual(journal.all(), [ENTRY])
  rmSync(blocked)
  mkdirSync(blocked)
  chmodSync(blocked, 0o700)
  journal.write()
  assert.equal(journal.unwritten, null)
  assert.match(readFileSync(path, 'utf8'), /sandbox-1/)
})
