#!/usr/bin/env node
// An old Node cannot read TypeScript, and its own message would not say what to do.
const [major] = process.versions.node.split('.')
if (Number(major) < 24) {
  process.stderr.write(
    `error: sluice needs Node 24 or newer, this is ${process.version}; run it as 'npm run sluice --', which brings its own\n`,
  )
  process.exit(1)
}
await import('../src/main.ts')
