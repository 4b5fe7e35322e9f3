import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { GROUPS } from './groups/index.ts';
import { MUTANTS } from './mutants/index.ts';
import { SEED_IDS, problemsOf } from './table.ts';

const FOLDER = join(import.meta.dirname, '../../../docs/reference');
const TABLE = readFileSync(join(FOLDER, 'seeds.md'), 'utf8');

function readFile(path: string): string | null {
  const file = join(FOLDER, path);
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

const check = (markdown: string, groups = GROUPS): string[] => problemsOf(markdown, groups, MUTANTS, readFile);

/** The table without the line that begins with a cell. */
const without = (cell: string): string => TABLE.split('\n').filter((line) => !line.startsWith(`| ${cell} |`)).join('\n');

describe('docs/reference/seeds.md', () => {
  it('has a row for every sentence of S1 to S4, each with a group that tests it or a reason why there is none', () => {
    expect(SEED_IDS.length).toBe(69);
    expect(check(TABLE)).toEqual([]);
  });

  it('is found wanting when a row is missing', () => {
    expect(check(without('S3.10'))).toEqual(['S3.10: there is no row']);
  });

  it('is found wanting when a row is there twice', () => {
    expect(check(`${TABLE}\n| S1.1 | again | all | No test: note |\n`)).toEqual(['S1.1: there is no such sentence, or two rows of it']);
  });

  it('is found wanting when a row says neither who tests it nor why nobody does', () => {
    expect(check(TABLE.replace(/^(\| S1\.1 \|.*\|) No test: .*$/m, '$1 later |'))).toEqual(['S1.1: neither a group nor a reason']);
  });

  it('is found wanting when it names a group that does not exist', () => {
    expect(check(TABLE.replace('[SND-ASYNC]', '[SND-SOON]'))).toContain('S2.12: there is no group SND-SOON');
  });

  it('is found wanting when the test of a group is not where it says', () => {
    expect(check(TABLE.replace('send-async.ts', 'send-down.ts'))).toEqual(['S2.12: SND-ASYNC is not in ../../tests/seeds/test/groups/send-down.ts']);
  });

  it('is found wanting when a group has no row', () => {
    const group = { id: 'SND-NEW', seeds: [], rules: [], says: 'something new', depths: [0], test: () => undefined };
    expect(check(TABLE, [...GROUPS, group])).toContain('SND-NEW: no row names the group');
  });

  it('is found wanting when a row and its group do not name each other', () => {
    const groups = GROUPS.map((group) => (group.id === 'SND-ASYNC' ? { ...group, seeds: ['S2.13'] } : group));
    expect(check(TABLE, groups)).toEqual(['SND-ASYNC: it tests S2.13, the table says S2.12']);
  });

  it('is found wanting when it does not tell the rules, the behaviour and the mutants of a group', () => {
    expect(check(without('SND-ASYNC')).length).toBe(1);
  });
});
