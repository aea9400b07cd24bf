import type { Reason } from '../../../core/vocabulary/reasons.ts'

/** A directory of the node that this process sees under another name, as in a container. */
export interface NodeName {
  readonly here: string
  readonly onNode: string
}

/** `text` with the names that whoever stands on the node knows. */
export function inNodeNames(text: string, names: readonly NodeName[]): string {
  return names.reduce((said, { here, onNode }) => said.replaceAll(here, onNode), text)
}

/** `reason` in the names of the node: those in its arguments, which may be the words of the kernel. */
export function reasonInNodeNames(reason: Reason, names: readonly NodeName[]): Reason {
  const args = Object.entries(reason.args).map(([name, value]: readonly [string, unknown]) => {
    return [name, typeof value === 'string' ? inNodeNames(value, names) : value] as const
  })
  // the same reason: its arguments keep their names and types
  return { ...reason, args: Object.fromEntries(args) } as Reason
}
