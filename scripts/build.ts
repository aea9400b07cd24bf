/**
 * `npm run build [-- DIR]`: Sluice as plain JavaScript in DIR (default dist/), which needs Node and nothing else but koffi's native
 * part: what is shipped. Each command stays a file of its own, loaded when it is run, so that `--help` pays for none.
 */
import { build } from 'esbuild'
import { cpSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BUNDLE } from './bundle.ts'

const directory = process.argv[2] ?? 'dist'

/** The program, and the threads that it starts by file name. */
const ENTRIES = ['src/main.ts', 'src/edge/host/netns-thread.ts', 'src/app/agent/ambient/ztunnel-thread.ts']

rmSync(directory, { recursive: true, force: true })
const { metafile } = await build({ ...BUNDLE, entryPoints: ENTRIES, outdir: directory, metafile: true })
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string }
writeFileSync(join(directory, 'package.json'), `${JSON.stringify({ name: 'sluice', version, type: 'module' })}\n`)
const native = `@koromix/koffi-linux-${process.arch}`
for (const name of ['koffi', native])
  cpSync(join('node_modules', name), join(directory, 'node_modules', name), {
    recursive: true,
    // what is run, and its licence: no sources, no manual, no binary for another C library
    filter: (path) =>
      statSync(path).isDirectory()
        ? !/\/(vendor|doc|lib|musl_\w+)$/.test(path)
        : /\.(c?js|json|node)$|LICENSE/.test(path),
  })
const bytes = Object.values(metafile.outputs).reduce((sum, output) => sum + output.bytes, 0)
process.stdout.write(
  `${Object.keys(metafile.outputs).length} files, ${(bytes / 1024).toFixed(0)} KiB in ${directory}/\n`,
)
