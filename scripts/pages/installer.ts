import { type Platform, PLATFORMS } from '../../src/core/conflist/platforms.ts'
import { type Page, table } from './page.ts'

/** docs/installer.md: where each platform has what the installer needs, and how it behaves there. */
export const INSTALLER_PAGE: Page = {
  path: 'docs/installer.md',
  text: async () =>
    await Promise.resolve(
      [
        '# The plugin on a node',
        'Each agent puts the plugin `sluice-cni` and one entry into its node’s CNI configuration, keeps them there, and is not Ready while they are not (check `cni-configuration` of `/readyz`). It only ever adds to a file or takes from it, atomically, and every other byte stays; it never makes a primary configuration, and waits where there is none. What it did is in `installer-history.json` of the run directory. Made by `npm run generate` from `src/core/conflist/platforms.ts`.',
        '## Where the entry goes',
        table(
          ['`--cni-conf-mode`', 'the entry is'],
          [
            ['`chained`', 'the last one of the configuration that the runtime uses, or of `--cni-conf-name`'],
            ['`owned`', 'in a copy of that configuration, `--cni-own-file`, which sorts first'],
            ['`standalone`', 'alone in a file, which Multus calls for pods that ask for it by name'],
          ],
        ),
        'In the chart: `cni.chained`, `cni.istioOwnedCNIConfig`, `cni.cniConfFileName`. Without them the platform decides.',
        '## When others write',
        'A file that lost the entry is repaired within seconds (`sluice_cni_changes_total` counts by cause). More than a few repairs within ten minutes are a fight: repairs wait, and the alarm `cni_config_fight` names whose file it is. Files that Cilium set aside are `cni_config_exclusive`.',
        '## Platforms',
        'In the chart `global.platform` names one; `--platform auto` of `sluice agent` and `sluice uninstall` goes by the directories that are there.',
        table(
          ['`platform`', 'is', 'plugins', 'configuration', 'network namespaces', 'entry', 'to know'],
          PLATFORMS.map(row),
        ),
        '',
      ].join('\n\n'),
    ),
}

function row({ name, title, binDir, olderBinDir, confDir, netnsDir, placement, note }: Platform): readonly string[] {
  const plugins = olderBinDir === undefined ? `\`${binDir}\`` : `\`${binDir}\`, older: \`${olderBinDir}\``
  return [`\`${name}\``, title, plugins, `\`${confDir}\``, `\`${netnsDir}\``, placement, note]
}
