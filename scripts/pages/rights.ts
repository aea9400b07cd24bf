import { AGENT_RIGHTS, type Right, type RightCondition, WEBHOOK_RIGHTS } from '../../src/core/vocabulary/rights.ts'
import { type Page, table } from './page.ts'

const SCOPES = { cluster: 'the cluster', sluice: 'Sluice’s namespace', istio: 'istiod’s namespace' } as const
const WHEN: Readonly<Record<RightCondition, string>> = {
  always: '',
  leader: '',
  'ca-secret': ' Not with cert-manager or `existingSecret`.',
}

/** docs/rights.md: what each account may do, and why. */
export const RIGHTS_PAGE: Page = {
  path: 'docs/rights.md',
  text: async () =>
    await Promise.resolve(
      [
        '# Rights',
        'What the two service accounts may do, and what each right is for. Roles are made from the same table (`src/core/vocabulary/rights.ts`, which this page is made from by `npm run generate`); `test/cluster/rights.test.ts` takes away every verb of every row in turn on a real API server, and sees what does not work then. `list` is what an API server before 1.34 is asked, and later ones that cannot list within a watch. `-REVISION` stands after the names of a revision that is not the default one.',
        '## The webhook',
        'One account for all replicas; the one that leads writes. It reads no Secret but its own, and starts no program anywhere.',
        tableOf(WEBHOOK_RIGHTS),
        '## The agent',
        'Its [fence](security.md) keeps what it writes to pods of its own node, which RBAC cannot say. It may not create, delete or evict, and reads no Secret and no ConfigMap.',
        tableOf(AGENT_RIGHTS),
        '',
      ].join('\n\n'),
    ),
}

function tableOf(rights: readonly Right[]): string {
  return table(
    ['in', 'resource', 'verbs', 'for'],
    rights.map(({ scope, group, resource, names, verbs, why, when }) => [
      SCOPES[scope],
      `\`${group === '' ? resource : `${resource}.${group}`}\`${named(names)}`,
      verbs.join(', '),
      `${why}.${WHEN[when]}`,
    ]),
  )
}

function named(names: readonly string[] | undefined): string {
  if (names === undefined) return ''
  return ` ${names.map((name) => `\`${name.replace('{suffix}', '[-REVISION]')}\``).join(', ')}`
}
