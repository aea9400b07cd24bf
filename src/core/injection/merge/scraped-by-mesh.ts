import { type JsonObject, objectOr } from '../../json/value.ts'

/**
 * The annotations as a template shall see them: those with which an earlier injection pointed Prometheus at the agent are
 * not the author's (injector.md §8, "Input of the rendering"). Keys count in any spelling (§12).
 */
export function scrapedByMesh(annotations: JsonObject, mesh: JsonObject): JsonObject {
  const statusPort = JSON.stringify(objectOr(mesh['defaultConfig'])['statusPort'] ?? 15020)
  const entries = Object.entries(annotations)
  const points = entries.some(([key, value]) => spelling(key) === 'prometheus_io_port' && value === statusPort)
  return points
    ? Object.fromEntries(entries.filter(([key]) => !/^prometheus_io_(port|path|scrape)$/.test(spelling(key))))
    : annotations
}

function spelling(key: string): string {
  return key.replaceAll(/[^a-zA-Z0-9_]/g, '_')
}
