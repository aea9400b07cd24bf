import { deepEqual } from '../json/equal.ts'
import { type JsonObject, stringOr } from '../json/value.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import { readConfiguration, typeOf } from './configuration.ts'
import { listOfSingle, type Original, originalIn } from './convert.ts'
import { entriesIn, withEntry, withoutEntries } from './edit.ts'
import { type Chosen, type Directory, firstUsable, formOf, listName, named, problemsOf } from './select.ts'

/** How the entry gets to the runtime. */
export type Placement =
  /** added to the runtime's configuration, or to the one named */
  | { readonly is: 'chained'; readonly file: string | undefined }
  /** in a copy of the primary configuration under `ownFile`, which is to sort first (cni.md §3.5) */
  | { readonly is: 'owned'; readonly file: string | undefined; readonly ownFile: string }
  /** alone in `ownFile`, for Multus, which calls it by name */
  | { readonly is: 'standalone'; readonly ownFile: string }

/** What is to be where. `entry` is ours: a plugin's object with its `type`. */
export interface Wish {
  readonly placement: Placement
  readonly entry: JsonObject
  /** only for messages */
  readonly directory: string
}

/**
 * One change of one file. A write replaces the whole file, with mode and owner of `like` where that is given, else as ours
 * alone. A removal is of a file that still holds `text`.
 */
export type Step =
  | { readonly do: 'write'; readonly file: string; readonly text: string; readonly like: string | undefined }
  | { readonly do: 'remove'; readonly file: string; readonly text: string }

/** What is to be done in a directory; with no steps everything is as it should be. `reason`: why it may still not work. */
export type Plan =
  | { readonly is: 'steps'; readonly file: string; readonly steps: readonly Step[]; readonly reason?: Reason }
  | { readonly is: 'not-possible'; readonly reason: Reason }

/** The version of a configuration that is all ours: the one that every runtime in use knows. */
const STANDALONE_VERSION = '0.3.1'

/** The steps that bring `directory` to `wish`, in an order in which no moment is without a usable configuration. */
export function plan(directory: Directory, wish: Wish): Plan {
  const made = placed(directory, wish)
  if (made.is === 'not-possible') return made
  const gone = made.steps.map(({ file }) => file)
  const others = [...directory].filter(([file]) => file !== made.file && !gone.includes(file))
  const left = others.flatMap(([file, text]) => stepsToClean(directory, file, text, typeOf(wish.entry)))
  return { ...made, steps: [...made.steps, ...left] }
}

/** The steps that take every entry of `type` out of `directory`; files that we made go, those that we replaced come back. */
export function planRemoval(directory: Directory, type: string): readonly Step[] {
  return [...directory].flatMap(([file, text]) => stepsToClean(directory, file, text, type))
}

function placed(directory: Directory, wish: Wish): Plan {
  switch (wish.placement.is) {
    case 'chained':
      return chained(directory, wish, wish.placement.file)
    case 'owned':
      return owned(directory, wish, wish.placement.file, wish.placement.ownFile)
    case 'standalone':
      return standalone(directory, wish, wish.placement.ownFile)
  }
}

function chained(directory: Directory, wish: Wish, name: string | undefined): Plan {
  const type = typeOf(wish.entry)
  const owners = new Map([...directory].filter(([, text]) => !isCopy(text, type)))
  const primary = primaryOf(owners, wish, name)
  if ('code' in primary) return { is: 'not-possible', reason: primary }
  const original = primary.is === 'list' ? originalOf(primary.file, primary.text, type) : undefined
  const back = original === undefined ? undefined : owners.get(original.file)
  const rank = outranked(owners, primary.file, type)
  // its owner wrote the original anew, or it never went
  if (original !== undefined && back !== undefined && original.file !== primary.file)
    return { ...converted(directory, wish, { file: original.file, text: back }), ...rank }
  if (primary.is === 'single') return { ...converted(directory, wish, primary), ...rank }
  const { file, text } = primary
  const after = withEntry(text, carrying(wish.entry, original))
  return { is: 'steps', file, steps: after === text ? [] : [{ do: 'write', file, text: after, like: file }], ...rank }
}

/** A configuration of one plugin, as a list with our entry, which carries it. */
function converted(directory: Directory, wish: Wish, { file, text }: Original): Plan {
  const target = listName(file)
  const after = withEntry(listOfSingle(text), carrying(wish.entry, { file, text }))
  const there = directory.get(target)
  if (target !== file && there !== undefined && originalOf(target, there, typeOf(wish.entry)) === undefined)
    return { is: 'not-possible', reason: { code: 'cni_config_taken', args: { file: target } } }
  // the list first: until the original is gone the runtime has that, and then the list is there already
  const steps: Step[] = [
    ...(there === after ? [] : [{ do: 'write', file: target, text: after, like: file } as const]),
    ...(target === file ? [] : [{ do: 'remove', file, text } as const]),
  ]
  return { is: 'steps', file: target, steps }
}

function owned(directory: Directory, wish: Wish, name: string | undefined, ownFile: string): Plan {
  const type = typeOf(wish.entry)
  const there = directory.get(ownFile)
  if (there !== undefined && entriesIn(there, type).length === 0)
    return { is: 'not-possible', reason: { code: 'cni_config_taken', args: { file: ownFile } } }
  const primary = primaryOf(
    new Map([...directory].filter(([file, text]) => file !== ownFile && !isCopy(text, type))),
    wish,
    name,
  )
  if ('code' in primary) return { is: 'not-possible', reason: primary }
  const bare = primary.is === 'list' ? withoutEntries(primary.text, type) : listOfSingle(primary.text)
  const text = withEntry(bare, { ...wish.entry, copyOf: primary.file })
  const steps: Step[] = there === text ? [] : [{ do: 'write', file: ownFile, text, like: undefined }]
  return { is: 'steps', file: ownFile, steps, ...outranked(new Map([...directory, [ownFile, text]]), ownFile, type) }
}

function standalone(directory: Directory, wish: Wish, ownFile: string): Plan {
  const there = directory.get(ownFile)
  const read = there === undefined ? undefined : readConfiguration(there, 'single')
  const value = { cniVersion: STANDALONE_VERSION, ...wish.entry }
  if (read?.is === 'single' && deepEqual(read.value, value)) return { is: 'steps', file: ownFile, steps: [] }
  if (there !== undefined && !(read?.is === 'single' && typeOf(read.value) === typeOf(wish.entry)))
    return { is: 'not-possible', reason: { code: 'cni_config_taken', args: { file: ownFile } } }
  const text = `${JSON.stringify(value, null, 2)}\n`
  return { is: 'steps', file: ownFile, steps: [{ do: 'write', file: ownFile, text, like: undefined }] }
}

function primaryOf(directory: Directory, wish: Wish, name: string | undefined): Chosen | Reason {
  const type = typeOf(wish.entry)
  if (name !== undefined) return named(directory, name, type)
  const looked = { directory: wish.directory, looked: problemsOf(directory) }
  return firstUsable(directory, type) ?? { code: 'cni_config_absent', args: looked }
}

function outranked(directory: Directory, file: string, type: string): { readonly reason?: Reason } {
  const by = firstUsable(directory, type)?.file
  return by === undefined || by === file ? {} : { reason: { code: 'cni_config_outranked', args: { file, by } } }
}

/** Did we make the file as a copy of another one? The primary is never among these. */
function isCopy(text: string, type: string): boolean {
  return entriesIn(text, type).some(({ copyOf }) => stringOr(copyOf) !== undefined)
}

/** What the list `file` was made of: only a file whose list this is, so that no text can name another one to be written. */
function originalOf(file: string, text: string, type: string): Original | undefined {
  return entriesIn(text, type)
    .map(originalIn)
    .find((one) => one !== undefined && listName(one.file) === file)
}

function carrying(entry: JsonObject, original: Original | undefined): JsonObject {
  return original === undefined ? entry : { ...entry, original: { file: original.file, text: original.text } }
}

/** The steps that take every entry of `type` out of one file. */
function stepsToClean(directory: Directory, file: string, text: string, type: string): readonly Step[] {
  const form = formOf(file)
  const read = readConfiguration(text, form)
  if (read.is === 'single') return typeOf(read.value) === type ? [{ do: 'remove', file, text }] : []
  const entries = read.is === 'list' ? entriesIn(text, type) : []
  const bare = withoutEntries(text, type)
  if (entries.length === 0) return []
  if (isCopy(text, type)) return [{ do: 'remove', file, text }]
  if (readConfiguration(bare, form).is === 'unusable') return []
  const original = originalOf(file, text, type)
  return original !== undefined && listOfSingle(original.text) === bare
    ? stepsToRestore(directory, file, text, original)
    : [{ do: 'write', file, text: bare, like: file }]
}

/** The original comes back before the list that was made of it goes; one that its owner has put back stays as it is. */
function stepsToRestore(directory: Directory, file: string, text: string, original: Original): readonly Step[] {
  const write: Step = { do: 'write', file: original.file, text: original.text, like: file }
  if (original.file === file) return [write]
  return [...(directory.has(original.file) ? [] : [write]), { do: 'remove', file, text }]
}
