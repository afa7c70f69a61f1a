import { fileURLToPath } from 'node:url';

import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import n from 'eslint-plugin-n';
import tsdoc from 'eslint-plugin-tsdoc';
import tseslint from 'typescript-eslint';

import house from './.ci/eslint-rules.js';

const ROOT = fileURLToPath(new URL('.', import.meta.url));
const NODE = '>=20.19.0';
const DOMAIN = ['audit-event', 'rbac', 'activity', 'findings', 'audit-policy', 'render'].map(
  (name) => `packages/${name}/src/**/*.ts`,
);
/** Code that runs in tests only; a port's conformance suite is a test that adapters import. */
const TESTS = [
  '**/*.test.ts',
  '**/testing/**/*.ts',
  'packages/*/src/conformance.ts',
  'packages/*/src/conformance/**/*.ts',
  'test/**/*.ts',
];

/** Output that depends on the machine's locale or time zone is not the same bytes everywhere. */
const LOCALE_DEPENDENT = {
  selector: 'MemberExpression[property.name=/^(localeCompare|toLocale\\w+)$/]',
  message: 'Depends on the locale: compare by code units, and format by hand.',
};
const DEFAULT_EXPORT = {
  selector: 'ExportDefaultDeclaration',
  message: 'Named exports only.',
};
const IMPURE_SYNTAX = [
  {
    selector: 'NewExpression[callee.name="Date"][arguments.length=0]',
    message: 'Domain code has no clock: take the time as an argument.',
  },
  {
    selector: 'CallExpression[callee.name="Date"]',
    message: 'Domain code has no clock: Date() is the current time.',
  },
  {
    selector: 'ImportExpression',
    message: 'Domain code loads nothing at run time.',
  },
];
const IMPURE_GLOBALS = [
  'process',
  'console',
  'fetch',
  'WebSocket',
  'performance',
  'crypto',
  'navigator',
  'globalThis',
  'global',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'Intl',
].map((name) => ({
  name,
  message: 'Domain code is pure: no I/O, no clock, no randomness, no locale.',
}));

export default defineConfig(
  globalIgnores([
    'docs/.vitepress/.temp/',
    'docs/.vitepress/cache/',
    '**/dist/',
    'packages/*/assembly/',
    '**/testdata/',
    '**/node_modules/',
    'coverage/',
    'reports/',
    '.stryker-tmp/',
  ]),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },

  {
    name: 'every file',
    files: ['**/*.{ts,js,mjs,cjs}'],
    plugins: { n, house },
    rules: {
      'house/kebab-case-file': 'error',
      'n/prefer-node-protocol': 'error',
      'n/no-unsupported-features/node-builtins': ['error', { version: NODE, ignores: ['fetch', 'Response'] }],
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'], location: 'start' }],
      'prefer-const': 'error',
      'no-var': 'error',
      eqeqeq: 'error',
    },
  },

  {
    name: 'plain JavaScript',
    files: ['**/*.{js,mjs,cjs}'],
    extends: [js.configs.recommended],
    languageOptions: { globals: n.configs['flat/recommended-module'].languageOptions.globals },
  },
  {
    name: 'CommonJS',
    files: ['**/*.cjs'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: n.configs['flat/recommended-script'].languageOptions.globals,
    },
  },

  {
    name: 'TypeScript',
    files: [
      'packages/*/src/**/*.ts',
      'services/*/src/**/*.ts',
      'deploy/grafana/src/**/*.ts',
      'test/**/*.ts',
      '*.ts',
    ],
    extends: [js.configs.recommended, tseslint.configs.strictTypeChecked],
    // One program over the sources: the packages' own tsconfigs would see each other's dist, which may be stale.
    languageOptions: {
      parserOptions: { project: ['./tsconfig.test.json'], tsconfigRootDir: ROOT },
    },
    plugins: { tsdoc },
    rules: {
      'tsdoc/syntax': 'error',
      'n/no-extraneous-import': 'error',
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      // Readers of bytes branch by byte; more than this is two functions.
      complexity: ['error', 15],
      'max-params': ['error', 4],
      'func-style': ['error', 'declaration', { allowArrowFunctions: true }],
      'no-restricted-syntax': ['error', DEFAULT_EXPORT, LOCALE_DEPENDENT],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // Ports are asynchronous though their embedded twins need not wait; `async` turns a throw into a rejection.
      '@typescript-eslint/require-await': 'off',
      // Control characters are what an attacker puts into names: code has to match them.
      'no-control-regex': 'off',
      // `as` on an object literal hides a missing field; `as const` and `satisfies` do not.
      '@typescript-eslint/consistent-type-assertions': [
        'error',
        { assertionStyle: 'as', objectLiteralTypeAssertions: 'never' },
      ],
    },
  },
  {
    name: 'exports are documented',
    files: ['packages/*/src/**/*.ts', 'services/*/src/**/*.ts', 'deploy/grafana/src/**/*.ts'],
    ignores: TESTS,
    rules: { 'house/exported-doc': 'error' },
  },

  {
    name: 'domain is pure',
    files: DOMAIN,
    ignores: TESTS,
    rules: {
      'no-restricted-globals': ['error', ...IMPURE_GLOBALS],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Domain code has no clock.' },
        { object: 'Math', property: 'random', message: 'Domain code has no randomness.' },
      ],
      'no-restricted-syntax': ['error', DEFAULT_EXPORT, LOCALE_DEPENDENT, ...IMPURE_SYNTAX],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'node:crypto',
              allowImportNames: ['createHash', 'createHmac', 'hash'],
              message: 'Of node:crypto only the pure functions.',
            },
          ],
          patterns: [
            {
              regex: '^node:(?!crypto$|zlib$|buffer$)',
              message: 'Domain code is pure: of Node only crypto, zlib and buffer.',
            },
          ],
        },
      ],
    },
  },

  {
    name: 'tests',
    files: TESTS,
    rules: {
      'max-lines-per-function': 'off',
      'max-lines': ['error', { max: 500, skipBlankLines: true, skipComments: true }],
      'max-params': 'off',
      complexity: 'off',
      '@typescript-eslint/unbound-method': 'off',
      // fs.cp does what tests need of it in every version that runs them.
      'n/no-unsupported-features/node-builtins': [
        'error',
        { version: NODE, ignores: ['fetch', 'Response', 'fs/promises.cp'] },
      ],
      '@typescript-eslint/no-misused-spread': 'off',
      // The test runner and its generators are the root's, so that all packages share one version.
      'n/no-extraneous-import': [
        'error',
        { allowModules: ['vitest', 'fast-check', 'yaml', '@leastwise/testkit'] },
      ],
    },
  },
  {
    name: 'tests of the tools',
    files: ['*.ts', 'test/*.test.ts'],
    rules: {
      'n/no-extraneous-import': 'off',
      'no-restricted-syntax': ['error', LOCALE_DEPENDENT],
    },
  },
);
