import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { PAGES } from '../../scripts/pages/pages.ts'

test('generating the pages again changes nothing', async () => {
  assert.ok(PAGES.length > 1)
  for (const page of PAGES)
    assert.equal(readFileSync(page.path, 'utf8'), await page.text(), `${page.path} is stale: npm run generate`)
})
