import { readFileSync } from 'node:fs'

/** One row of a table: column to value, `-` read as absent. */
export type Row = Readonly<Record<string, string | undefined>>

/** The rows of a tab-separated file whose first line names the columns. */
export function readTable(path: string): readonly Row[] {
  const [head = '', ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n')
  const columns = head.split('\t')
  return lines.map((line) =>
    Object.fromEntries(
      line.split('\t').map((value, index) => [columns[index] ?? '', value === '-' ? undefined : value]),
    ),
  )
}

/** The entries of `given` that have a value: labels of a row. */
export function present(given: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  )
}
