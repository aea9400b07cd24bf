import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { attach, stopNode, type TestNode } from '../../scripts/cluster/node.ts'
import { type JsonObject, objectOr } from '../../src/core/json/value.ts'
import { NODE_DIRECTORY } from './place.ts'

/** The node of the suite, and what tests do on it. */
export const node: TestNode = attached()

/** A node that was rebooted has other processes: it is found anew for every call. */
function attached(): TestNode {
  return {
    directory: NODE_DIRECTORY,
    exec: async (args, input) => await attach(NODE_DIRECTORY).exec(args, input),
    kubectl: async (args, input) => await attach(NODE_DIRECTORY).kubectl(args, input),
    down: async () => await stopNode(NODE_DIRECTORY),
  }
}

/** Runs kubectl and gives what it printed; a failure of it fails the test. */
export async function kubectl(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await node.kubectl(args)
  assert.equal(code, 0, `kubectl ${args.join(' ')}: ${stderr}`)
  return stdout
}

/** Creates or changes objects. */
export async function apply(...objects: readonly JsonObject[]): Promise<void> {
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })
  const { code, stderr } = await node.kubectl(['apply', '-f', '-'], list)
  assert.equal(code, 0, stderr)
}

/** `objects` as objects of `namespace`. */
export function inNamespace(namespace: string, ...objects: readonly JsonObject[]): readonly JsonObject[] {
  return objects.map((object) => ({ ...object, metadata: { ...objectOr(object['metadata']), namespace } }))
}

/** Makes a namespace in which pods can be created. */
export async function makeNamespace(name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })
  await waitFor(async () => (await node.kubectl(['-n', name, 'get', 'serviceaccount', 'default'])).code === 0, name)
}

/** Resolves when `holds` does; fails with what `state` tells where it never does. */
export async function waitFor(
  holds: () => Promise<boolean>,
  what: string,
  state?: () => Promise<string>,
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await holds())) {
    if (performance.now() > deadline) assert.fail(`waited in vain: ${what}\n${(await state?.()) ?? ''}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

const PATIENCE_MS = 120_000

/** Waits until the pod is Ready, and gives its address. */
export async function ready(namespace: string, name: string): Promise<string> {
  const isReady = async (): Promise<boolean> => {
    const path = '{.status.conditions[?(@.type=="Ready")].status}'
    return (await kubectl('-n', namespace, 'get', 'pod', name, '-o', `jsonpath=${path}`)) === 'True'
  }
  await waitFor(isReady, `${name} is Ready`, async () => await kubectl('-n', namespace, 'describe', 'pod', name))
  return await kubectl('-n', namespace, 'get', 'pod', name, '-o', 'jsonpath={.status.podIP}')
}

/** What the container `app` of a pod hears when it asks `address`. */
export async function dial(namespace: string, name: string, address: string): Promise<string> {
  const { stdout } = await node.kubectl(['-n', namespace, 'exec', name, '-c', 'app', '--', '/box', 'dial', address])
  return stdout.trim()
}

/** Runs a program on the node and gives what it printed. */
export async function run(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await node.exec(args)
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`)
  return stdout
}

/** Writes a file on the node. */
export async function write(path: string, text: string): Promise<void> {
  const { code, stderr } = await node.exec(['tee', path], text)
  assert.equal(code, 0, stderr)
}

/** The end of a log of the node, for people. */
export function logEnd(name: string): string {
  return readFileSync(`${NODE_DIRECTORY}/log/${name}.log`, 'utf8').slice(-3000)
}
