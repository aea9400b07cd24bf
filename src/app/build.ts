import program from '../../package.json' with { type: 'json' }

/** What runs: the program's version, and Node's. */
export const BUILD = { version: program.version, node: process.version } as const

/** The same as labels. The scrape names the Kubernetes node `node`, so Node's version is called otherwise. */
export const BUILD_LABELS = { version: BUILD.version, node_version: BUILD.node } as const
