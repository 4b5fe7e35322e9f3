import { afterEach, describe, expect, it } from 'vitest';

import { checkBoundaries } from '../check-boundaries.mjs';
import { repositoryRoot } from '../workspace.mjs';
import { removeTree, writeTree } from './tree.ts';

const ARROWS = { types: [], core: ['types'], host: ['core'], stack: ['host'] };
const workspace = (name: string): Record<string, string> => ({ [`@ndis-chimney/${name}`]: 'workspace:^' });

interface Manifest {
  readonly name?: string;
  readonly tag?: string;
  readonly exports?: object;
  readonly dependencies?: object;
  readonly peerDependencies?: object;
  readonly devDependencies?: object;
}

const manifest = (folder: string, { name, tag = 'layer:package', ...rest }: Manifest = {}): object => ({
  name: name ?? `@ndis-chimney/${folder}`,
  exports: { '.': { default: './dist/index.js' } },
  nx: { tags: [tag] },
  ...rest,
});

/** A workspace without a single error; tests add what breaks it. */
const clean = {
  'package.json': { devDependencies: { vitest: '4' } },
  'packages/types/package.json': manifest('types'),
  'packages/core/package.json': manifest('core', {
    exports: { '.': { default: './dist/index.js' }, './runtime': { default: './dist/runtime/index.js' } },
    dependencies: workspace('types'),
    peerDependencies: { rxjs: '7' },
  }),
  'packages/core/src/index.ts':
    "import type { A } from '@ndis-chimney/types';\nexport * from './a.ts';\nimport 'rxjs';",
  'packages/core/test/a.test.ts':
    "import 'vitest';\nimport 'node:fs';\nimport '@ndis-chimney/core/runtime';\nimport '../src/a.ts';",
  'packages/host/package.json': manifest('host', { dependencies: { ...workspace('types'), ...workspace('core') } }),
  'packages/stack/package.json': manifest('stack', {
    dependencies: { ...workspace('core'), ...workspace('host') },
    peerDependencies: { tsyringe: '4' },
  }),
  'packages/stack/src/di/index.ts': "import type { DependencyContainer } from 'tsyringe';",
  'apps/demo/package.json': manifest('demo', { tag: 'layer:app', dependencies: workspace('stack') }),
  'apps/demo/src/main.ts': "import '@ndis-chimney/stack';\nimport 'node:fs';",
  'tests/all/package.json': manifest('all', { tag: 'layer:test', devDependencies: workspace('demo') }),
  'tests/all/test/a.test.ts': "import '../../../tools/examples.mjs';",
  'tools/bench/package.json': manifest('bench', { tag: 'layer:tool', dependencies: workspace('core') }),
  'tools/bench/main.ts': "import './chain.ts';",
};

const loaded = 'is loaded by a package: only applications load the container (import type)';

let root = '';
afterEach(() => {
  removeTree(root);
});

const check = (changes: Readonly<Record<string, string | object>>): string[] => {
  root = writeTree({ ...clean, ...changes });
  return checkBoundaries(root, ARROWS).errors;
};

describe('check-boundaries', () => {
  it('accepts this repository', () => {
    expect(checkBoundaries(repositoryRoot).errors).toEqual([]);
  });

  it('accepts a workspace that keeps all rules', () => {
    expect(check({})).toEqual([]);
  });

  it.each<[what: string, changes: Readonly<Record<string, string | object>>, message: string]>([
    [
      'an arrow upwards',
      { 'packages/core/package.json': manifest('core', { devDependencies: workspace('host') }) },
      '@ndis-chimney/core may not depend on @ndis-chimney/host',
    ],
    [
      'a package that uses an app',
      { 'packages/core/package.json': manifest('core', { devDependencies: workspace('demo') }) },
      '@ndis-chimney/core may not depend on @ndis-chimney/demo',
    ],
    [
      'an app that uses a test workspace',
      { 'apps/demo/package.json': manifest('demo', { tag: 'layer:app', dependencies: workspace('all') }) },
      '@ndis-chimney/demo may not depend on @ndis-chimney/all',
    ],
    [
      'a tool that uses an app',
      { 'tools/bench/package.json': manifest('bench', { tag: 'layer:tool', dependencies: workspace('demo') }) },
      '@ndis-chimney/bench may not depend on @ndis-chimney/demo',
    ],
    [
      'a cycle',
      {
        'tests/all/package.json': manifest('all', { tag: 'layer:test', devDependencies: workspace('kit') }),
        'tests/kit/package.json': manifest('kit', { tag: 'layer:test', devDependencies: workspace('all') }),
      },
      'cycle: @ndis-chimney/all -> @ndis-chimney/kit -> @ndis-chimney/all',
    ],
    [
      'a package without a row in the table',
      { 'packages/extra/package.json': manifest('extra') },
      '@ndis-chimney/extra: no row in ARROWS of tools/check-boundaries.mjs',
    ],
    [
      'a missing layer tag',
      { 'packages/types/package.json': manifest('types', { tag: 'layer:app' }) },
      '@ndis-chimney/types: no layer:package tag in package.json nx.tags',
    ],
    [
      'a name that is not the folder name',
      { 'packages/types/package.json': manifest('types', { name: '@ndis-chimney/type' }) },
      'packages/types: the package is named @ndis-chimney/type, not @ndis-chimney/types',
    ],
    [
      'a path into another package',
      { 'packages/core/src/b.ts': "\nexport * from '../../types/src/index.ts';" },
      'packages/core/src/b.ts:2: ../../types/src/index.ts leaves the package',
    ],
    [
      'a path from a package to the repository tools',
      { 'packages/core/test/b.test.ts': "import '../../../tools/examples.mjs';" },
      'packages/core/test/b.test.ts:1: ../../../tools/examples.mjs leaves the package',
    ],
    [
      'an undeclared workspace package',
      { 'packages/types/src/b.ts': "import { b } from '@ndis-chimney/core';" },
      'packages/types/src/b.ts:1: @ndis-chimney/core is in neither dependencies nor peerDependencies',
    ],
    [
      'an undeclared module in a test',
      { 'packages/types/test/b.test.ts': "import fc from 'fast-check';" },
      'packages/types/test/b.test.ts:1: fast-check is not in package.json',
    ],
    [
      'a devDependency in shipped code',
      { 'packages/core/src/b.ts': "import { it } from 'vitest';" },
      'packages/core/src/b.ts:1: vitest is in neither dependencies nor peerDependencies',
    ],
    [
      'an entry that is not exported',
      { 'packages/host/src/b.ts': "import '@ndis-chimney/core/src/index.ts';" },
      'packages/host/src/b.ts:1: @ndis-chimney/core/src/index.ts is not in the "exports" of @ndis-chimney/core',
    ],
    [
      'an undeclared private specifier',
      { 'packages/host/src/b.ts': "import '#internal';" },
      'packages/host/src/b.ts:1: #internal is not in the "imports" of package.json',
    ],
    [
      'a Node module in browser-safe code',
      { 'packages/core/src/b.ts': "import fs from 'node:fs';" },
      'packages/core/src/b.ts:1: node:fs is a Node module in a package that must run in browsers',
    ],
    [
      'a bare Node module in browser-safe code',
      { 'packages/core/src/b.ts': "import { EventEmitter } from 'events';" },
      'packages/core/src/b.ts:1: events is a Node module in a package that must run in browsers',
    ],
    [
      'a value import of tsyringe',
      { 'packages/stack/src/di/b.ts': "import { type DependencyContainer } from 'tsyringe';" },
      `packages/stack/src/di/b.ts:1: tsyringe ${loaded}`,
    ],
    [
      'reflect-metadata in a package',
      { 'packages/stack/src/di/b.ts': "import 'reflect-metadata';" },
      `packages/stack/src/di/b.ts:1: reflect-metadata ${loaded}`,
    ],
    [
      'tsyringe types outside stack/di',
      { 'packages/stack/src/b.ts': "import type { DependencyContainer } from 'tsyringe';" },
      'packages/stack/src/b.ts:1: tsyringe is for packages/stack/src/di/ only',
    ],
  ])('reports %s', (_what, changes, message) => {
    expect(check(changes)).toContain(message);
  });
});
