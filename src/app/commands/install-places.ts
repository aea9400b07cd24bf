import type { Placement } from '../../core/conflist/plan.ts'
import {
  binDirOf,
  detectPlatform,
  type Platform,
  type PlatformName,
  platformNamed,
  PLATFORMS,
} from '../../core/conflist/platforms.ts'
import type { NodeName } from '../agent/installer/node-names.ts'
import { type FlagRow, type FlagValues, UsageError } from './command.ts'

const OWN_FILE = '02-sluice-cni.conflist'
const STANDALONE_FILE = 'YYY-sluice-cni.conf'

/** Flags about where a node has its CNI plugins and their configuration. */
export const PLACE_FLAGS: readonly FlagRow[] = [
  {
    name: 'platform',
    value: 'NAME',
    choices: ['auto', ...PLATFORMS.map(({ name }) => name)],
    default: 'auto',
    help: 'what kind of node it is; auto goes by the directories that are there (docs/installer.md)',
  },
  { name: 'cni-bin-dir', value: 'DIR', help: "where the runtime looks for CNI plugins; else the platform's" },
  { name: 'cni-conf-dir', value: 'DIR', help: "where it looks for its network configuration; else the platform's" },
  { name: 'node-cni-bin-dir', value: 'DIR', help: 'what the node itself calls --cni-bin-dir, for messages' },
  { name: 'node-cni-conf-dir', value: 'DIR', help: 'what the node itself calls --cni-conf-dir, for messages' },
  {
    name: 'netns-dir',
    value: 'DIR',
    help: "where the runtime keeps the network namespaces of pods; else the platform's",
  },
  { name: 'proc', value: 'DIR', default: '/proc', help: "the node's processes" },
]

/** Flags about how the plugin gets onto a node. */
export const INSTALL_FLAGS: readonly FlagRow[] = [
  ...PLACE_FLAGS,
  {
    name: 'plugin-source',
    value: 'FILE',
    default: '/opt/sluice/cni/sluice-cni',
    help: 'the plugin that is copied onto the node',
  },
  {
    name: 'cni-conf-mode',
    value: 'MODE',
    choices: ['auto', 'chained', 'owned', 'standalone'],
    default: 'auto',
    help: "where the entry goes: into the runtime's configuration, into a copy that sorts first, or alone for Multus; auto: as the platform",
  },
  {
    name: 'cni-conf-name',
    value: 'FILE',
    help: 'name of that configuration, of the one that is copied, or of the one for Multus; else what the runtime uses',
  },
  { name: 'cni-own-file', value: 'FILE', default: OWN_FILE, help: 'name of the copy that sorts first' },
]

/** What the flags and the node say together. */
export interface InstallPlaces {
  readonly binDir: string
  readonly confDir: string
  readonly netnsDir: string
  readonly source: string
  readonly placement: Placement
  readonly nodeNames: readonly NodeName[]
}

/** Flags win over the platform that is named, this over the one that the node looks like. */
export function installPlaces(flags: FlagValues, isThere: (directory: string) => boolean): InstallPlaces {
  const platform = platformOf(flags, isThere)
  const binDir = flags['cni-bin-dir'] ?? binDirOf(platform, isThere)
  const confDir = flags['cni-conf-dir'] ?? platform.confDir
  return {
    ...{ binDir, confDir },
    nodeNames: [...nodeName(binDir, flags['node-cni-bin-dir']), ...nodeName(confDir, flags['node-cni-conf-dir'])],
    netnsDir: flags['netns-dir'] ?? platform.netnsDir,
    source: flags['plugin-source'] ?? '',
    placement: placementOf(flags, platform),
  }
}

function nodeName(here: string, onNode: string | undefined): readonly NodeName[] {
  return onNode === undefined || onNode === here ? [] : [{ here, onNode }]
}

function platformOf(flags: FlagValues, isThere: (directory: string) => boolean): Platform {
  const name = flags['platform'] ?? 'auto'
  return name === 'auto' ? detectPlatform(isThere) : platformNamed(name as PlatformName)
}

function placementOf(flags: FlagValues, platform: Platform): Placement {
  const mode = flags['cni-conf-mode']
  const file = fileName(flags, 'cni-conf-name')
  switch (mode === undefined || mode === 'auto' ? platform.placement : mode) {
    case 'owned':
      return { is: 'owned', file, ownFile: fileName(flags, 'cni-own-file') ?? OWN_FILE }
    case 'standalone':
      return { is: 'standalone', ownFile: file ?? STANDALONE_FILE }
    default:
      return { is: 'chained', file }
  }
}

/** A name within the directory; undefined where none is given. */
function fileName(flags: FlagValues, flag: string): string | undefined {
  const name = flags[flag] ?? ''
  if (name === '') return undefined
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(name))
    throw new UsageError(`--${flag} must be the name of a file in the configuration directory, not a path`)
  return name
}
