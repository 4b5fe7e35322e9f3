import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { FAULTS } from '@ndis-chimney/target-faulty';
import { expect, test } from 'vitest';

import { referencePage } from './reference-page.ts';

const here = import.meta.dirname;
const tests = readdirSync(here).filter((file) => file.endsWith('.test.ts')).map((file) => readFileSync(join(here, file), 'utf8'));

test('every fault happens in a test that has its name', () => {
  const titles = tests.flatMap((text) => [...text.matchAll(/(?:test|describe)(?:\.each\([^]*?\))?\('([A-H]\d+): /g)].map(([, id]) => id));
  expect(Object.keys(FAULTS).filter((id) => !titles.includes(id))).toEqual([]);
});

// `vitest -u` writes the page.
test('the page about the faults is what the catalogue says', async () => {
  await expect(referencePage()).toMatchFileSnapshot('../../../docs/reference/faults.md');
});

test('the README has every fault in its table', () => {
  const readme = readFileSync(join(here, '../../../packages/target-faulty/README.md'), 'utf8');
  for (const { id, title, edges } of Object.values(FAULTS)) expect(readme).toContain(`| ${id} | ${title} | ${edges.join(', ')} |`);
});
