import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { findExamples, runExample } from '../../../tools/readme-examples.mjs';
import { findProjects, repositoryRoot } from '../../../tools/workspace.mjs';

const folders = findProjects()
  .filter(({ group, dir }) => group === 'packages' && existsSync(join(dir, 'README.md')))
  .map(({ folder }) => `packages/${folder}/`);

const readmes = ['', ...folders].map((folder) => {
  const label = `${folder}README.md`;
  return { label, examples: findExamples(readFileSync(join(repositoryRoot, label), 'utf8')) };
});

// From here the packages resolve to their sources; a process each, as a reader would run them.
const options = {
  folder: join(import.meta.dirname, '../.cache/examples'),
  nodeArguments: ['--import', join(repositoryRoot, 'tools/ts-register.mjs'), '--conditions=@ndis-chimney/source'],
};

describe('README examples', () => {
  it('are in the README and in that of every package', () => {
    expect(readmes.filter(({ examples }) => examples.length === 0).map(({ label }) => label)).toEqual([]);
  });

  const all = readmes.flatMap(({ label, examples }) => examples.map((example) => ({ label, example })));
  for (const { label, example } of all) {
    it.concurrent(`run: ${label}:${example.line}`, { timeout: 60_000 }, async ({ expect: check }) => {
      check(await runExample(example, { ...options, label })).toBeUndefined();
    });
  }
});
