import { type CheckId, CHECKS, type CheckRow } from '../../src/core/vocabulary/checks.ts'
import { type Page, table } from './page.ts'

const WHEN: Readonly<Record<CheckRow['stage'], string>> = {
  before: 'before an installation (`--pre`)',
  always: 'before and after',
  after: 'where Sluice is installed',
}

/** What the API server does not know of a node. */
const BEYOND = [
  '## What a check before the installation cannot know',
  'The API server tells of a node what its kubelet reports: kernel, runtime, operating system, labels. It does not tell which directories the runtime reads, who else writes there, which kernel modules are missing, whether SELinux or AppArmor stands in the way, and whether probes get through. Only something on the node can measure these, and reading the host needs more rights than a check should have: the agents measure them, in scratch namespaces and without touching a pod.',
  '[`own-pods-admitted`](#own-pods-admitted) creates the pods of the chart’s default values in the name of whoever runs the check. Where policies go by the account of a pod, as the security context constraints of OpenShift do, or by its image, they may judge the real ones otherwise: the events of the DaemonSet and the Deployment say so.',
  'To see it before any pod is asked about, install as [install](install.md) says while no namespace carries a label that Sluice answers to; where istiod injects, with `istio.io/rev=old` as in [migration](migration.md#from-istio-cni). Nothing is injected, pods that run stay as they are, and each agent says what it found:',
  [
    '    kubectl -n sluice-system get pods -l app.kubernetes.io/name=sluice-agent -o wide',
    '    kubectl -n sluice-system port-forward POD_OF_THE_AGENT 8000',
    "    curl -s 'http://127.0.0.1:8000/readyz?verbose'",
  ].join('\n'),
  'A pod that is Ready has proved its node; one that is not says in `/readyz?verbose` which check failed and why, and `sluice check` names it in [`agent-installed`](#agent-installed). For ambient, [`agent-conditions`](#agent-conditions) has the reason.',
]

/** docs/checks.md: every check of `sluice check`, under the name that the command prints. */
export const CHECKS_PAGE: Page = {
  path: 'docs/checks.md',
  text: async () =>
    await Promise.resolve(
      [
        '# Checks',
        '`sluice check --pre` says whether Sluice can be installed, `sluice check` whether all is well where it is. Both only read, apart from pods that are created as a dry run. The names are stable. What could not be read is unknown: exit code 4, never 0. Made by `npm run generate` from `src/core/vocabulary/checks.ts`.',
        table(
          ['check', 'what is so when all is well', 'when'],
          ids().map((id) => [`[\`${id}\`](#${id})`, CHECKS[id].title, WHEN[CHECKS[id].stage]]),
        ),
        ...ids().flatMap(section),
        ...BEYOND,
        '',
      ].join('\n\n'),
    ),
}

function ids(): readonly CheckId[] {
  return Object.keys(CHECKS) as CheckId[]
}

function section(id: CheckId): readonly string[] {
  const { title, why, fix } = CHECKS[id]
  return [`## ${id}`, `${capital(title)}. Why: ${why}.`, `To do: ${fix}.`]
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}
