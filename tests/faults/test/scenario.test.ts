import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { runScenario } from './scenario.ts';

// `node tests/faults/on-nodes.mjs 20 22 24` compares other versions of Node with the same file.
test('the same plan and seed give the same events, byte by byte', async () => {
  expect(await runScenario()).toBe(readFileSync(join(import.meta.dirname, 'scenario.txt'), 'utf8'));
});
