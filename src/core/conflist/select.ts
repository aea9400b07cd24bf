import type { Reason } from '../vocabulary/reasons.ts'
import { type Configuration, type Form, readConfiguration, typeOf } from './configuration.ts'

/** The files of a CNI configuration directory: name to text. */
export type Directory = ReadonlyMap<string, string>

/** A usable configuration: of a list, or of one plugin. */
export interface Chosen {
  readonly file: string
  readonly text: string
  readonly is: 'list' | 'single'
}

/** containerd and CRI-O read files of these endings; `.json` holds one plugin, as `.conf` does */
const FORMS: Readonly<Record<string, Form>> = { '.conflist': 'list', '.conf': 'single', '.json': 'single' }

/**
 * The configuration that the runtimes use: the first usable one by the bytes of its name (cni.md §3.2). Files that have no
 * other plugins than ours are none: nothing there makes a network.
 */
export function firstUsable(directory: Directory, type: string): Chosen | undefined {
  for (const [file, text] of sorted(directory)) {
    const form = formOf(file)
    if (form === 'either') continue
    const read = readConfiguration(text, form)
    if (read.is !== 'unusable' && hasOthers(read, type)) return { file, text, is: read.is }
  }
  return undefined
}

/** What stands in the way of each file of `directory` that a runtime would read, ` (a.conf is empty)` or nothing. */
export function problemsOf(directory: Directory): string {
  const problems = sorted(directory).flatMap(([file, text]) => {
    const form = formOf(file)
    const read = form === 'either' ? undefined : readConfiguration(text, form)
    return read?.is === 'unusable' ? [`${file} ${read.problem}`] : []
  })
  return problems.length === 0 ? '' : ` (${problems.join('; ')})`
}

/** The configuration `name`, or its twin of the other form where only that one exists. */
export function named(directory: Directory, name: string, type: string): Chosen | Reason {
  const file = [name, twin(name)].find((one) => directory.has(one))
  const text = directory.get(file ?? '')
  if (file === undefined || text === undefined) return { code: 'cni_config_named_absent', args: { file: name } }
  const read = readConfiguration(text, formOf(file))
  if (read.is === 'unusable') return { code: 'cni_config_unusable', args: { file, problem: read.problem } }
  if (!hasOthers(read, type))
    return { code: 'cni_config_unusable', args: { file, problem: "has no plugin but Sluice's" } }
  return { file, text, is: read.is }
}

/** The name of the list that a configuration of one plugin becomes; a name without a meaning stays. */
export function listName(file: string): string {
  return file.replace(/\.(?:conf|json)$/, '.conflist')
}

function twin(name: string): string {
  return name.endsWith('.conflist') ? name.replace(/\.conflist$/, '.conf') : listName(name)
}

/** What the ending of `file` promises. */
export function formOf(file: string): Form {
  const ending = /\.[^.]*$/.exec(file)?.[0] ?? ''
  return FORMS[ending] ?? 'either'
}

function hasOthers(read: Configuration, type: string): boolean {
  switch (read.is) {
    case 'list':
      return read.plugins.some(({ value }) => typeOf(value) !== type)
    case 'single':
      return typeOf(read.value) !== type
    case 'unusable':
      return false
  }
}

/** As Go sorts names: by their bytes. UTF-8 keeps the order of code points, which UTF-16 does not. */
function sorted(directory: Directory): readonly (readonly [string, string])[] {
  const key = (name: string): readonly number[] => Array.from(name, (char) => char.codePointAt(0) ?? 0)
  return [...directory].sort(([a], [b]) => compare(key(a), key(b)))
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((code, index) => code !== b[index])
  return at === -1 ? a.length - b.length : (a[at] ?? 0) - (b[at] ?? -1)
}
