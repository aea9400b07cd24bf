import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { buildPlugin, PLUGIN_ARCHITECTURES, type PluginArchitecture } from '../../scripts/plugin.ts'

/** `e_machine` of an executable. */
const MACHINE: Readonly<Record<PluginArchitecture, number>> = { amd64: 0x3e, arm64: 0xb7 }
const PT_INTERP = 3

for (const architecture of PLUGIN_ARCHITECTURES)
  test(`the plugin for ${architecture} runs on any node of that kind: at most 4 MiB, and no loader is asked for`, () => {
    const file = readFileSync(buildPlugin(architecture))
    assert.equal(file.subarray(0, 4).toString('latin1'), '\x7fELF')
    assert.equal(file.readUInt16LE(18), MACHINE[architecture])
    assert.ok(file.length <= 4 * 1024 * 1024, `${file.length} bytes`)
    const [at, size, count] = [Number(file.readBigUInt64LE(32)), file.readUInt16LE(54), file.readUInt16LE(56)]
    const segments = Array.from({ length: count }, (_, i) => file.readUInt32LE(at + i * size))
    assert.ok(segments.length > 2 && !segments.includes(PT_INTERP), segments.join())
  })
