/** `npm run generate`: writes every page that is made from the code. With `--check` it writes nothing and fails where one is stale. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PAGES } from './pages/pages.ts'

const check = process.argv.includes('--check')
let stale = 0
for (const page of PAGES) {
  const text = await page.text()
  const there = await readFile(page.path, 'utf8').catch(() => '')
  if (there === text) continue
  stale += 1
  process.stdout.write(`${check ? 'stale' : 'written'}: ${page.path}\n`)
  if (check) continue
  await mkdir(dirname(page.path), { recursive: true })
  await writeFile(page.path, text)
}
process.stdout.write(`${PAGES.length} pages, ${stale} ${check ? 'stale: run npm run generate' : 'written'}\n`)
process.exitCode = check && stale > 0 ? 1 : 0
