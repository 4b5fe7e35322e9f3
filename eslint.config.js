import eslint from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import globals from 'globals';
import tseslint from 'typescript-eslint';

import { projectRules } from './tools/lint-rules.mjs';

export default defineConfig(
  globalIgnores(['**/dist/', '**/coverage/', '**/.cache/', '.nx/', 'docs-api/']),
  eslint.configs.recommended,
  { files: ['**/*.js', '**/*.mjs'], languageOptions: { globals: globals.nodeBuiltin } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `Uint8Array<ArrayBufferLike>` says that shared memory is welcome; the default says so too, but silently.
      '@typescript-eslint/no-unnecessary-type-arguments': 'off',
    },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    rules: {
      // Callers may be JavaScript: what arrives through the public API is checked although its type rules it out.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // Counting loops over lists, rings and buffers are the hot path, also where `for…of` would do.
      '@typescript-eslint/prefer-for-of': 'off',
      // An index that the loop bounds is not checked a second time.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // A brand is a getter on the prototype; a readonly field would be one more slot in every object.
      '@typescript-eslint/class-literal-property-style': 'off',
      // `?.` tests for undefined as well as null, which the data path can do without.
      '@typescript-eslint/prefer-optional-chain': 'off',
      // Handles are interfaces in `types` and classes in `core`: core takes its own objects back by a cast.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // Declarations are made file by file, for which `Infinity` needs its type written out.
      '@typescript-eslint/no-inferrable-types': 'off',
      // Views and contexts carry a type for the reader of one member.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
    },
  },
  {
    // Cases, rules and scenarios are literals in lists whose type says all there is to say.
    files: ['packages/conformance/src/*-cases/**/*.ts', 'tests/conformance-kit/test/broken/**/*.ts', 'packages/verifier/src/rules/*.ts', 'tests/verifier/test/scenarios/*.ts'],
    rules: { '@typescript-eslint/explicit-module-boundary-types': 'off' },
  },
  ...projectRules,
);
