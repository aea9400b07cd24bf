import type { BuildOptions } from 'esbuild'

/** How TypeScript becomes the plain JavaScript that is shipped: each command a file of its own, loaded when it is run. */
export const BUNDLE = {
  entryNames: '[name]',
  chunkNames: 'chunk-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minify: true,
  keepNames: true,
  legalComments: 'none',
  // holds a native part, found beside its own files
  external: ['koffi'],
  // CommonJS packages call `require`, which an ES module has to be given
  banner: {
    js: `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);`,
  },
  logLevel: 'warning',
} satisfies BuildOptions
