import { type Figure, figureTable } from './figure.ts'

/** Hands the figures of this file to `npm run bench`; prints them where the file was run by itself. */
export function report(figures: readonly Figure[]): void {
  if (process.send === undefined) process.stdout.write(figureTable(figures))
  else process.send(figures, () => process.disconnect())
}
