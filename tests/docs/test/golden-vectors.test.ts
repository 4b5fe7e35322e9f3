import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import { describe, expect, it } from 'vitest';

import { repositoryRoot } from '../../../tools/workspace.mjs';
import { testFiles } from './test-files.ts';

const page = readFileSync(join(repositoryRoot, 'docs/reference/golden-vectors.md'), 'utf8');
const ID = /\bGV-[A-Z]+-\d+\b/gu;

interface Row {
  readonly id: string;
  readonly tests: readonly string[];
  readonly isForEngine: boolean;
}

function rowsOf(text: string): Row[] {
  return [...text.matchAll(/^\| `(GV-[A-Z]+-\d+)` \| [^|]+ \| [^|]+ \| ([^|]+) \|$/gmu)].map(([, id = '', where = '']) => ({
    id,
    tests: [...where.matchAll(/`([^`]+\.test\.ts)`/gu)].map(([, file = '']) => file),
    isForEngine: where.includes('needs a TCP engine'),
  }));
}

/** Titles of tests that name a vector, by file. */
function namedIn(file: string): Set<string> {
  return new Set(readFileSync(join(repositoryRoot, file), 'utf8').match(ID) ?? []);
}

describe('docs/reference/golden-vectors.md', () => {
  const rows = rowsOf(page);

  it('has every vector once, and says of those that need a TCP engine that they do', () => {
    expect(rows).toHaveLength(69);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(69);
    expect(rows.filter(({ isForEngine }) => isForEngine)).toHaveLength(11);
  });

  it.each(rows.filter(({ isForEngine }) => !isForEngine).map(({ id, tests }) => [id, tests] as const))('%s is tested where the page says', (id, tests) => {
    expect(tests.length).toBeGreaterThan(0);
    for (const file of tests) {
      expect(existsSync(join(repositoryRoot, file)), file).toBe(true);
      expect(namedIn(file)).toContain(id);
    }
  });

  it('leaves out no test that names a vector', () => {
    const listed = new Map(rows.map(({ id, tests }) => [id, tests]));
    for (const file of testFiles()) {
      const name = relative(repositoryRoot, file).replaceAll('\\', '/');
      if (name.startsWith('tests/docs/')) continue;
      for (const id of namedIn(name)) expect(listed.get(id), `${id} in ${name}`).toContain(name);
    }
  });
});
