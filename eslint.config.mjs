import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

/** Who may import whom: the table of docs/architecture.md. */
const ALLOWED_IMPORTS = {
  core: [],
  backend: ['core'],
  stems: ['core'],
  models: ['core', 'stems'],
  attacks: ['core'],
  augment: ['core'],
  data: ['core', 'augment'],
  distributed: ['core'],
  train: ['core', 'models', 'attacks', 'augment', 'data', 'distributed'],
  robustbench: ['core', 'attacks', 'data', 'models', 'distributed'],
  cli: [
    'core',
    'backend',
    'stems',
    'models',
    'attacks',
    'augment',
    'data',
    'distributed',
    'train',
    'robustbench',
  ],
  testing: ['core'],
};

const UNIVERSAL_PACKAGES = '{core,stems,models,attacks,augment}';
const TEST_FILES = ['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.ts'];

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '.nx/**', 'coverage/**', 'runs/**', '**/fixtures/**'] },
  ...tseslint.configs.recommended,
  {
    files: ['packages/*/src/**/*.ts', 'packages/*/test/**/*.ts'],
    extends: [...tseslint.configs.recommendedTypeCheckedOnly],
    languageOptions: {
      parserOptions: { project: ['packages/*/tsconfig.test.json'], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    ignores: TEST_FILES,
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        {
          allowCircularSelfDependency: true,
          depConstraints: Object.entries(ALLOWED_IMPORTS).map(([scope, allowed]) => ({
            sourceTag: `scope:${scope}`,
            onlyDependOnLibsWithTags: allowed.map((name) => `scope:${name}`),
          })),
        },
      ],
    },
  },
  {
    // These packages also run in browsers. Node-only parts sit in *-node.ts behind a package.json "imports" condition.
    files: [`packages/${UNIVERSAL_PACKAGES}/src/**/*.ts`],
    ignores: [...TEST_FILES, '**/*-node.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['node:*'], message: 'This package also runs in browsers.' }] },
      ],
      'no-restricted-globals': ['error', 'process', 'Buffer', 'require', '__dirname', '__filename'],
    },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    ignores: [...TEST_FILES, 'packages/{cli,testing}/**'],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['**/*.cjs'],
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  prettier,
);
