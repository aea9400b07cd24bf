import { BUILD } from '../build.ts'
import type { Command } from './command.ts'
import { OUTPUT_FLAG, render } from './output.ts'

export const versionCommand: Command = {
  name: 'version',
  positional: null,
  flags: [OUTPUT_FLAG],
  examples: ['sluice version', 'sluice version -o json'],
  run: async (flags, _positional, io) => {
    const report = { ...BUILD, platform: `${process.platform}/${process.arch}` }
    io.out(render(flags, report, () => `sluice ${report.version} (Node ${report.node}, ${report.platform})\n`))
    return await Promise.resolve('ok')
  },
}
