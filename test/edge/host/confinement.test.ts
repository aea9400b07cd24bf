import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { confinement } from '../../../src/edge/host/confinement.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-label-'))
after(() => rmSync(folder, { recursive: true }))

/** What the kernel says in /proc/PID/attr/current, by the module that is active. */
const LABELS: readonly { readonly name: string; readonly label: string; readonly want: string | null }[] = [
  {
    name: "a runtime's profile",
    label: 'cri-containerd.apparmor.d (enforce)\n',
    want: "AppArmor's profile cri-containerd.apparmor.d",
  },
  { name: 'a profile that only complains', label: 'cri-containerd.apparmor.d (complain)\n', want: null },
  { name: 'no profile', label: 'unconfined\n', want: null },
  { name: "a container's type", label: 'system_u:system_r:container_t:s0:c4,c7\0', want: "SELinux's type container_t" },
  { name: 'a type without a level', label: 'system_u:system_r:container_t', want: "SELinux's type container_t" },
  { name: 'the type of a privileged container', label: 'system_u:system_r:spc_t:s0\0', want: null },
  { name: "Bottlerocket's for privileged containers", label: 'system_u:system_r:super_t:s0\0', want: null },
  { name: 'a module that has another kind of label', label: '_', want: null },
  { name: 'nothing', label: '', want: null },
  { name: 'what no line of a log should hold', label: 'one\ntwo (enforce)', want: null },
]

for (const [i, { name, label, want }] of LABELS.entries())
  test(`${name}: ${want ?? 'nothing confines the process'}`, () => {
    const file = join(folder, String(i))
    writeFileSync(file, label)
    assert.equal(confinement(file), want)
  })

test('a kernel without such a module has no label to read', () => {
  assert.equal(confinement(join(folder, 'none')), null)
})
