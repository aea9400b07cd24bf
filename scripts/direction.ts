/**
 * Import directions (design: "Imports point one way"). Besides the rules themselves this checks that it looked: modules
 * were read, and each rule about a folder names one that has files, so that a renamed folder cannot silence its rule.
 */
import { readFile } from 'node:fs/promises'
import { cruise, type IConfiguration, type ICruiseResult } from 'dependency-cruiser'

const FEWEST_MODULES = 10

const configuration = JSON.parse(await readFile('.dependency-cruiser.json', 'utf8')) as IConfiguration
const { output } = await cruise(['src'], {
  ruleSet: { forbidden: configuration.forbidden ?? [] },
  validate: true,
  ...configuration.options,
})
const { modules, summary } = output as ICruiseResult
const own = modules.map((module) => module.source).filter((source) => source.startsWith('src/'))

const problems = summary.violations.map((found) => `${found.rule.name}: ${found.from} → ${found.to}`)
if (own.length < FEWEST_MODULES) problems.push(`only ${own.length} modules were read: the check did not look`)
for (const rule of configuration.forbidden ?? []) {
  const path = 'path' in rule.from && typeof rule.from.path === 'string' ? rule.from.path : undefined
  if (path !== undefined && !own.some((source) => new RegExp(path).test(source)))
    problems.push(`rule ${rule.name ?? path} matches no file`)
}

for (const problem of problems) process.stderr.write(`${problem}\n`)
process.stdout.write(
  `${own.length} modules, ${configuration.forbidden?.length ?? 0} rules, ${problems.length} problems\n`,
)
process.exitCode = problems.length === 0 ? 0 : 1
