import { join } from 'node:path'
import { pluginEntry, PLUGIN_TYPE } from '../../../core/conflist/entry.ts'
import { type Reason, sentence } from '../../../core/vocabulary/reasons.ts'
import type { Check } from '../../../edge/telemetry/health.ts'
import type { Logger } from '../../../edge/telemetry/logger.ts'
import { reportTurn } from '../loop.ts'
import type { AgentOptions } from '../options.ts'
import type { AgentMetrics } from '../record.ts'
import { Installer } from './installer.ts'

/** The installer of an agent: what it changes is logged and counted. */
export function createInstaller(options: AgentOptions, log: Logger, metrics: AgentMetrics): Installer {
  const { paths, install } = options
  return new Installer({
    ...install,
    plugin: join(paths.cniBinDir, PLUGIN_TYPE),
    confDir: paths.cniConfDir,
    entry: pluginEntry({ socket: paths.pluginSocket, excludeNamespaces: options.excludedNamespaces }),
    history: join(paths.runDir, 'installer-history.json'),
    now: () => new Date(),
    report: (event) => {
      const { what, cause, file } = event
      metrics.add('sluice_cni_changes_total', { what, cause })
      log.info(event, `${what} ${file}: ${cause}`)
    },
    failed: reportTurn(log, 'installer'),
  })
}

/** Is the plugin on its way out by `sluice uninstall`? Then nothing is brought in, and what is in goes out. */
export function uninstalling(installer: Installer): Reason | null {
  const { reason } = installer.state()
  return reason.code === 'cni_uninstalled' ? reason : null
}

/** Do new pods of the node come by the plugin? */
export function installedCheck(installer: Installer): Check {
  const { ready, reason, warnings } = installer.state()
  const detail = [reason, ...warnings].map(sentence).join('; ')
  return { name: 'cni-configuration', is: !ready ? 'failed' : warnings.length > 0 ? 'alarm' : 'ok', detail }
}
