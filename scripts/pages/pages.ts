import { CLI } from './cli.ts'
import { WEBHOOK_MANIFEST } from './manifests.ts'
import type { Page } from './page.ts'

/** Every generated file; to add one: a file beside this and a row here. */
export const PAGES: readonly Page[] = [CLI, WEBHOOK_MANIFEST]
