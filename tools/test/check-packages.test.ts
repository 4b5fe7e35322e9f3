import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import {
  checkExports,
  checkFixtures,
  checkTarball,
  checkWithoutOptionalPeers,
  readmeOf,
} from '../check-packages.mjs';
import { repositoryRoot } from '../workspace.mjs';
import { removeTree, writeTree } from './tree.ts';

const node = { version: process.versions.node, executable: process.execPath };
const esm = { type: 'module', exports: './index.js' };

let root = '';
afterEach(() => {
  removeTree(root);
});

const project = (files: Readonly<Record<string, string | object>>): string => {
  root = writeTree({ 'package.json': {}, ...files });
  copyFileSync(join(repositoryRoot, 'tools/package-probe.mjs'), join(root, 'package-probe.mjs'));
  return root;
};

describe('checkExports', () => {
  it('accepts a package that is the same for import and require', async () => {
    const folder = project({
      'node_modules/good/package.json': esm,
      'node_modules/good/index.js': 'export const a = 1; export default a;',
    });
    expect(await checkExports(folder, ['good'], node)).toEqual([]);
  });

  it('reports names that differ', async () => {
    const folder = project({
      'node_modules/dual/package.json': { exports: { import: './a.mjs', require: './a.cjs' } },
      'node_modules/dual/a.mjs': 'export const a = 1;',
      'node_modules/dual/a.cjs': 'exports.b = 1;',
    });
    expect(await checkExports(folder, ['dual'], node)).toEqual([
      `Node ${node.version}: dual: import has a; require has b`,
    ]);
  });

  it('reports top-level await, which require() cannot load', async () => {
    const folder = project({
      'node_modules/late/package.json': esm,
      'node_modules/late/index.js': 'export const a = await 1;',
    });
    expect(await checkExports(folder, ['late'], node)).toEqual([
      expect.stringContaining(`Node ${node.version}: require of late failed`),
    ]);
  });
});

describe('checkWithoutOptionalPeers', () => {
  it('reports an entry that loads an optional peer', async () => {
    const folder = project({
      'node_modules/eager/package.json': esm,
      'node_modules/eager/index.js': "import 'tsyringe';",
    });
    expect(await checkWithoutOptionalPeers(folder, ['eager'], node)).toEqual([
      expect.stringContaining('without tsyringe and reflect-metadata'),
    ]);
  });

  it('reports a project in which it would prove nothing', async () => {
    const folder = project({ 'node_modules/tsyringe/package.json': esm });
    expect(await checkWithoutOptionalPeers(folder, [], node)).toEqual([
      'tsyringe is installed without being asked for',
    ]);
  });
});

describe('checkFixtures', () => {
  it('accepts a plugin and reports what another lacks', async () => {
    const folder = project({
      'node_modules/good/package.json': esm,
      'node_modules/good/index.js': "export default { name: 'a', apiVersion: 1, optionsSchema: {}, create() {} };",
      'node_modules/poor/package.json': esm,
      'node_modules/poor/index.js': "export default { name: 'a', apiVersion: 1, create: 1 };",
      'node_modules/none/package.json': esm,
      'node_modules/none/index.js': 'export const plugin = {};',
    });
    expect(await checkFixtures(folder, ['good', 'poor', 'none'], node)).toEqual([
      `Node ${node.version}: plugin poor: its optionsSchema is missing or of the wrong type`,
      `Node ${node.version}: plugin poor: its create is missing or of the wrong type`,
      `Node ${node.version}: plugin none: no object as default export`,
    ]);
  });
});

describe('readmeOf', () => {
  const readme = (files: Readonly<Record<string, string>>): string[] => {
    root = writeTree({ 'src/index.ts': 'export const a = 1;', ...files });
    return readmeOf({ dir: root, folder: 'a' }).problems;
  };

  it('lets only an empty placeholder have no README', () => {
    expect(readme({ 'src/index.ts': 'export {};\n' })).toEqual([]);
    removeTree(root);
    expect(readme({})).toEqual(['packages/a has no README.md']);
  });

  it('reports a README without an example that runs', () => {
    expect(readme({ 'README.md': '# a\n' })).toEqual(['packages/a/README.md has no ```js example block']);
  });
});

describe('checkTarball', () => {
  it('reports entries that are missing and types that are wrong', async () => {
    root = writeTree({
      'package.json': {
        name: 'bad',
        version: '1.0.0',
        type: 'module',
        exports: { '.': { default: './index.js', types: './index.d.ts' }, './gone': './gone.js' },
      },
      'index.js': 'module.exports = 1;',
      'index.d.ts': 'export const a: number;',
    });
    const packed = spawnSync('npm', ['pack', '--ignore-scripts'], { cwd: root, shell: process.platform === 'win32' });
    expect(packed.status).toBe(0);
    const problems = (await checkTarball(join(root, 'bad-1.0.0.tgz'))).join('\n');
    expect(problems).toContain('publint: ');
    expect(problems).toContain('gone.js');
    expect(problems).toContain('arethetypeswrong');
  }, 30_000);
});
