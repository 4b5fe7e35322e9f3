// The project's own lint rules. tools/test/lint-rules.test.ts shows each of them bite.
//
// `no-restricted-syntax` of a later block replaces that of an earlier one, so every block lists all it needs.
import { builtinModules } from 'node:module';

import { nodeOnlySources } from './workspace.mjs';

/** @typedef {{ selector: string, message: string }} Restriction */

/** What a library gets passed in, and never takes from its surroundings: one seed, one run. */
const injected = {
  Date: 'Time comes from the injected Clock.',
  performance: 'Time comes from the injected Clock.',
  setTimeout: 'Timers come from the injected Clock.',
  setInterval: 'Timers come from the injected Clock.',
  setImmediate: 'Deferred work goes through the injected DpcQueue.',
  queueMicrotask: 'Deferred work goes through the injected DpcQueue.',
  process: 'Packages run in browsers too: pass in what you need.',
};
const injectedProperties = [
  { object: 'Math', property: 'random', message: 'Chance comes from the injected Random.' },
  { object: 'crypto', property: 'getRandomValues', message: 'Chance comes from the injected Random.' },
  { object: 'crypto', property: 'randomUUID', message: 'Chance comes from the injected Random.' },
];

/** @type {Restriction[]} */
const brandedIdentity = [
  {
    // Values of another copy of a package, or of another realm, are not instances of this copy's classes.
    selector:
      'BinaryExpression[operator="instanceof"]' +
      ':not([right.name=/^((Type|Range|Syntax|Aggregate)?Error|(Shared)?ArrayBuffer|Uint8Array)$/])',
    message: 'Identity is a Symbol.for brand: two copies of a package must accept each other (no instanceof).',
  },
];

/** @type {Restriction[]} */
const namedExports = [
  { selector: 'ExportDefaultDeclaration', message: 'Packages export names; only plugin modules export a default.' },
  {
    selector: 'ExportSpecifier[exported.name="default"]',
    message: 'Packages export names; only plugin modules export a default.',
  },
];

/** @type {Restriction[]} */
const stableShapes = [
  {
    selector: 'PropertyDefinition[value.type=/^(ArrowFunctionExpression|FunctionExpression)$/]',
    message: 'A function per instance costs a closure per object and makes calls megamorphic: write a method.',
  },
  {
    selector: 'UnaryExpression[operator="delete"]',
    message: 'delete turns the object into a dictionary: set the field to null, or use a Map.',
  },
  {
    selector:
      ':not(MemberExpression, Property, MethodDefinition, PropertyDefinition) > Identifier[name="arguments"],' +
      'MemberExpression > Identifier.object[name="arguments"]',
    message: 'arguments allocates and hides the signature: name the parameters or use a rest parameter.',
  },
];

const plugins = ['packages/target-*/src/index.ts', 'packages/target-*/src/plugin.ts'];
const hotPackages = '{types,core,intermediate,offload-target,target-*}';

/**
 * @param {...Restriction[]} lists
 * @returns {import('eslint').Linter.RulesRecord}
 */
const restrict = (...lists) => ({ 'no-restricted-syntax': ['error', ...lists.flat()] });

/** @type {import('eslint').Linter.Config[]} */
export const projectRules = [
  {
    name: 'ndis-chimney/named exports and brands',
    files: ['packages/*/src/**/*.ts'],
    rules: restrict(brandedIdentity, namedExports),
  },
  {
    name: 'ndis-chimney/stable shapes',
    files: [`packages/${hotPackages}/src/**/*.ts`],
    rules: restrict(brandedIdentity, namedExports, stableShapes),
  },
  { name: 'ndis-chimney/plugins', files: plugins, rules: restrict(brandedIdentity, stableShapes) },
  {
    name: 'ndis-chimney/everything nondeterministic is injected',
    files: ['packages/*/src/**/*.ts'],
    // The one implementation each of clock, random and DPC queue.
    ignores: ['packages/core/src/runtime/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        {
          globals: Object.entries(injected).map(([name, message]) => ({ name, message })),
          checkGlobalObject: true,
        },
      ],
      'no-restricted-properties': ['error', ...injectedProperties],
    },
  },
  {
    name: 'ndis-chimney/browser-safe',
    files: ['packages/*/src/**/*.ts'],
    ignores: [...nodeOnlySources.map((path) => `${path}**`), 'packages/*/src/bin/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [{ group: ['node:*'], message: 'This package must run in browsers: no Node modules.' }],
          paths: builtinModules.map((name) => ({
            name,
            message: 'This package must run in browsers: no Node modules.',
          })),
        },
      ],
    },
  },
];
