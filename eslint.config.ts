import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

/** The core decides; it must give the same answer offline, under property tests and in the server. */
const CORE_BANS = [
  { object: 'Date', property: 'now', message: 'core has no clock: take the time as an argument' },
  { object: 'Math', property: 'random', message: 'core is a pure function of its arguments' },
  { object: 'process', property: 'env', message: 'core reads no environment: parse it at the edge' },
]

export default defineConfig(
  { ignores: ['node_modules', 'dist', 'plugin', 'manifests', 'bin'] },
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/strict-boolean-expressions': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite'] },
          ],
        },
      ],
      // `flag: string | undefined` in a readonly record is often clearer than a second type
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['src/core/**'],
    rules: {
      'no-restricted-properties': ['error', ...CORE_BANS],
      'no-restricted-globals': ['error', 'process', 'setTimeout', 'setInterval', 'fetch', 'performance'],
    },
  },
  { files: ['test/**', 'scripts/**', 'bench/**'], rules: { 'no-console': 'off' } },
)
