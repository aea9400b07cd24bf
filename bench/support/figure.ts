/** One measured number; a file of results is a list of these. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** `<= 0.2` or `>= 4000`, in the figure's unit; null where nothing is aimed at */
  readonly goal: string | null
}

/** The value below which `share` of all lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** Whether the goal is met; null where there is none. */
export function meets({ value, goal }: Figure): boolean | null {
  if (goal === null) return null
  const bound = Number(goal.slice(2))
  return goal.startsWith('<=') ? value <= bound : value >= bound
}

/** Figures as a table, with a word on each goal. */
export function figureTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const met = meets(figure)
    return [
      figure.name,
      shown(figure.value),
      figure.unit,
      figure.goal ?? '',
      met === null ? '' : met ? 'met' : 'missed',
    ]
  })
  return aligned([['figure', 'value', 'unit', 'goal', ''], ...rows])
}

/** Two runs side by side: what both measured and how the second is to the first, then what only one of them measured. */
export function comparison(before: readonly Figure[], after: readonly Figure[]): string {
  const names = [...new Set([...before, ...after].map(({ name }) => name))]
  const rows = names.map((name) => {
    const [old, now] = [before, after].map((figures) => figures.find((figure) => figure.name === name))
    const ratio = old === undefined || now === undefined ? '' : (now.value / old.value).toFixed(2)
    return [name, cell(old), cell(now), now?.unit ?? old?.unit ?? '', ratio]
  })
  const inBoth = (row: readonly string[]): boolean => row[4] !== ''
  return aligned([
    ['figure', 'before', 'after', 'unit', 'ratio'],
    ...rows.filter(inBoth),
    ...rows.filter((row) => !inBoth(row)),
  ])
}

function cell(figure: Figure | undefined): string {
  return figure === undefined ? '-' : shown(figure.value)
}

/** The figures that `text`, a file of results, holds; undefined where it is no such file. */
export function figuresOf(text: string): readonly Figure[] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) && value.every(isFigure) ? value : undefined
  } catch {
    return undefined
  }
}

function isFigure(value: unknown): value is Figure {
  if (typeof value !== 'object' || value === null) return false
  const { name, value: number, unit, goal } = value as Partial<Record<keyof Figure, unknown>>
  const goalFits = goal === null || (typeof goal === 'string' && /^[<>]= [\d.]+$/.test(goal))
  return typeof name === 'string' && typeof number === 'number' && typeof unit === 'string' && goalFits
}

function shown(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(3)
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('')
}
