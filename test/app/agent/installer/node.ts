import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Installer, type InstallerOptions } from '../../../../src/app/agent/installer/installer.ts'
import type { InstallerEvent } from '../../../../src/app/agent/installer/history.ts'
import { pluginEntry } from '../../../../src/core/conflist/entry.ts'

/** The directories of a node, an image, and what an installer said. */
export interface TestNode {
  readonly conf: string
  readonly bin: string
  readonly plugin: string
  readonly source: string
  readonly history: string
  readonly events: InstallerEvent[]
  readonly errors: unknown[]
  /** the wall clock of the installers */
  now: Date
  readonly installer: (options?: Partial<InstallerOptions>) => Installer
  readonly write: (file: string, text: string) => void
  readonly read: (file: string) => string
  /** every file of the configuration directory, name to text */
  readonly files: () => Readonly<Record<string, string>>
}

export const ENTRY = pluginEntry({ socket: '/var/run/sluice/cni.sock', excludeNamespaces: ['kube-system'] })

/** A node in a temporary directory that goes with the test. */
export function testNode(
  t: { readonly after: (cleanUp: () => void) => void },
  at = mkdtempSync(join(tmpdir(), 'installer-')),
): TestNode {
  t.after(() => rmSync(at, { recursive: true, force: true }))
  const [conf, bin, image] = ['net.d', 'bin', 'image'].map((name) => join(at, name)) as [string, string, string]
  for (const directory of [conf, bin, image]) mkdirSync(directory, { recursive: true })
  const [plugin, source, history] = [join(bin, 'sluice-cni'), join(image, 'sluice-cni'), join(at, 'run/history.json')]
  writeFileSync(source, 'the plugin, version 1')
  chmodSync(source, 0o755)
  const node: TestNode = {
    ...{ conf, bin, plugin, source, history, events: [], errors: [] },
    now: new Date('2026-01-02T03:04:05Z'),
    installer: (options) =>
      new Installer({
        ...{ source, plugin, confDir: conf, history, entry: ENTRY },
        placement: { is: 'chained', file: undefined },
        nodeNames: [],
        report: (event) => node.events.push(event),
        failed: (error) => node.errors.push(error),
        now: () => node.now,
        everyMs: 20,
        ...options,
      }),
    write: (file, text) => writeFileSync(join(conf, file), text),
    read: (file) => readFileSync(join(conf, file), 'utf8'),
    files: () => Object.fromEntries(readdirSync(conf).map((file) => [file, node.read(file)])),
  }
  return node
}

/** What tells whether somebody wrote there: inode and times of each file. */
export function stamps(...directories: readonly string[]): readonly string[] {
  return directories.flatMap((directory) =>
    readdirSync(directory).map((file) => {
      const { ino, mtimeNs, ctimeNs } = statSync(join(directory, file), { bigint: true })
      return `${file} ${ino} ${mtimeNs} ${ctimeNs}`
    }),
  )
}
