import { podOfCgroup } from '../../../src/core/cgroup/pod-of-cgroup.ts'
import type { Json } from '../../../src/core/json/value.ts'
import { jsonDifferences } from '../comparison/differences.ts'
import type { GoldenSet } from '../golden-set.ts'
import { readTable } from './tsv.ts'

/** The text of `/proc/PID/cgroup` to the pod's uid and the container, or an error. One row a case. */
export const CGROUPS: GoldenSet = {
  name: 'cgroups',
  place: 'cgroups.tsv',
  cases: (place) =>
    readTable(place).map((row) => ({
      name: row['case'] ?? '',
      expected: { podUid: row['podUid'] ?? '-', container: row['container'] ?? '-', error: row['error'] ?? '-' },
      actual: () => read(JSON.parse(row['cgroupFile'] ?? '') as string),
      foresees: (lines) =>
        isCrioInPod(row) && lines.every((line) => /^(podUid|container): expected "-", got "/.test(line)),
    })),
  differences: (expected, actual) => jsonDifferences(expected, actual),
}

/** CRI-O's usual place: Istio finds nothing there, since two of its patterns match. */
function isCrioInPod(row: Readonly<Record<string, string | undefined>>): boolean {
  return (
    row['podUid'] === undefined &&
    row['error'] === undefined &&
    /[^0-9a-z]pod[0-9a-f].*crio[^0-9a-z]/i.test(row['cgroupFile'] ?? '')
  )
}

function read(text: string): Json {
  const owner = podOfCgroup(text)
  switch (owner.is) {
    case 'container':
      return { podUid: owner.podUid ?? '-', container: owner.container, error: '-' }
    case 'none':
      return { podUid: '-', container: '-', error: '-' }
    case 'unclear':
      return { podUid: '-', container: '-', error: 'yes' }
  }
}
