/** `npm run render`: writes the plain manifests that are rendered from the chart. They are committed; test/chart proves them fresh. */
import { writeFileSync } from 'node:fs'
import { PLAIN_MANIFESTS, plainManifest } from './chart/plain-manifests.ts'

for (const manifest of PLAIN_MANIFESTS) {
  writeFileSync(manifest.path, plainManifest(manifest))
  process.stdout.write(`written: ${manifest.path}\n`)
}
