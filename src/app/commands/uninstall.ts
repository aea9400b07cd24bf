import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { inNodeNames } from '../agent/installer/node-names.ts'
import { uninstall, type Uninstalled } from '../agent/installer/uninstall.ts'
import { PLUGIN_TYPE } from '../../core/conflist/entry.ts'
import { type Command, CommandFailure, type FlagValues } from './command.ts'
import { installPlaces, PLACE_FLAGS } from './install-places.ts'
import { OUTPUT_FLAG, render } from './output.ts'
import { messageOf } from '../../edge/message-of.ts'

export const uninstallCommand: Command = {
  name: 'uninstall',
  positional: null,
  flags: [
    ...PLACE_FLAGS,
    {
      name: 'cni-cache-dir',
      value: 'DIR',
      default: '/var/lib/cni',
      help: 'where the runtime keeps which sandbox was made with which configuration',
    },
    { name: 'cni-conf-name', value: 'FILE', help: 'also this file, where its ending is none that runtimes read' },
    OUTPUT_FLAG,
  ],
  examples: ['sluice uninstall', 'sluice uninstall --platform k3s -o json'],
  run: async (flags, _positional, io) => {
    mustExist(flags)
    const { binDir, confDir, netnsDir, placement, nodeNames } = installPlaces(flags, existsSync)
    const named = placement.is === 'standalone' ? placement.ownFile : placement.file
    const places = {
      plugin: join(binDir, PLUGIN_TYPE),
      confDir,
      cacheDir: flags['cni-cache-dir'] ?? '',
      node: { proc: flags['proc'] ?? '/proc', netnsDir },
      also: named === undefined ? [] : [named],
    }
    let done: Uninstalled
    try {
      done = uninstall(places, new Date())
    } catch (error) {
      const why = inNodeNames(messageOf(error), nodeNames)
      throw new CommandFailure(`not everything could be taken off this node: ${why}`, { cause: error })
    }
    io.out(render(flags, done, () => lines(done, inNodeNames(places.plugin, nodeNames))))
    return await Promise.resolve(done.plugin === 'stays' ? 'partial' : 'ok')
  },
}

/** Nothing found in a folder that is not there is no uninstall: the name may be mistyped, or the host not mounted. */
function mustExist(flags: FlagValues): void {
  for (const name of ['cni-bin-dir', 'cni-conf-dir']) {
    const directory = flags[name]
    if (directory !== undefined && !existsSync(directory))
      throw new CommandFailure(`--${name} is ${directory}, which is not there; nothing was taken off this node`)
  }
}

function lines({ files, plugin, sandboxes, markedUntil }: Uninstalled, path: string): string {
  const is = {
    removed: `plugin   ${path} is removed`,
    absent: `plugin   ${path} is not there`,
    stays: `plugin   ${path} stays, and lets everything pass: sandboxes that end must find it. Run this again when they are gone`,
  }
  return [
    ...(files.length === 0 ? ['entry    is in no configuration'] : files.map((file) => `entry    taken out: ${file}`)),
    is[plugin],
    ...sandboxes.map(({ file, containerId, why }) => `left     sandbox ${containerId ?? file}: ${why}`),
    ...(markedUntil === null
      ? []
      : [`left     a mark beside the plugin: no agent installs it again before ${markedUntil.toISOString()}`]),
    '',
  ].join('\n')
}
