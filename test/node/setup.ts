import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startNode, stopNode } from '../../scripts/cluster/node.ts'
import { addImages } from '../../scripts/cluster/node-images.ts'
import { NODE_DIRECTORY } from './place.ts'

/** One node for all files of the suite: started before the first, gone after the last, also when they fail. */
export async function globalSetup(): Promise<void> {
  await stopNode(NODE_DIRECTORY)
  rmSync(NODE_DIRECTORY, { recursive: true, force: true })
  const images = join(NODE_DIRECTORY, 'images')
  mkdirSync(images, { recursive: true })
  addImages(images)
  await startNode(NODE_DIRECTORY)
}

export async function globalTeardown(): Promise<void> {
  await stopNode(NODE_DIRECTORY)
  rmSync(NODE_DIRECTORY, { recursive: true, force: true })
}
