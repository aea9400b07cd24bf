import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { CGROUPS } from './cgroups.ts'

const UID = '2c48913c_b29f_11e7_9350_020968147796'
const CONTAINER = '9bca8d63d5fa610783847915bcff0ecac1273e5b4bed3f6fa1b07350e0135961'

/** Is what the product makes of `path` foreseen, where Istio finds no pod in it? */
function foresees(path: string): boolean | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-goldens-'))
  try {
    const file = join(folder, 'cgroups.tsv')
    const columns = 'case\tcgroupFile\tpodUid\tcontainer\terror'
    writeFileSync(file, `${columns}\none\t${JSON.stringify(`0::${path}\n`)}\t-\t-\t-\n`)
    const [one] = CGROUPS.cases(file)
    return one?.foresees?.(CGROUPS.differences(one.expected, one.actual()))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test("a pod in CRI-O's usual place is found on purpose, and in no other where Istio finds none", () => {
  assert.equal(foresees(`/kubepods.slice/kubepods-pod${UID}.slice/crio-${CONTAINER}.scope`), true)
  assert.equal(foresees(`/kubepods.slice/kubepods-pod${UID}.slice/cri-containerd-${CONTAINER}.scope`), false)
  assert.equal(foresees(`/crio-${CONTAINER}.scope`), false)
})
