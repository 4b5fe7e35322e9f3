import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { repositoryRoot } from '../../../tools/workspace.mjs';

const page = readFileSync(join(repositoryRoot, 'docs/reference/behaviour.md'), 'utf8');

const rows = [...page.matchAll(/^\| ([^|`]+) \| `([^`]+\.md)` \| ([^|]+) \|$/gmu)].map(([, subject = '', , where = '']) => ({
  subject,
  tests: [...where.matchAll(/`([^`]+)`/gu)].map(([, file = '']) => file),
}));

describe('docs/reference/behaviour.md', () => {
  it('has its rows', () => {
    const lines = page.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| ---') && !line.startsWith('| subject'));
    expect(rows).toHaveLength(lines.length);
    expect(rows.length).toBeGreaterThan(30);
  });

  it.each(rows)('$subject is tested where the page says', ({ tests }) => {
    expect(tests.length).toBeGreaterThan(0);
    for (const file of tests) {
      expect(existsSync(join(repositoryRoot, file)), file).toBe(true);
      expect(readFileSync(join(repositoryRoot, file), 'utf8')).toMatch(/\b(it|test)(\.\w+)*\(/u);
    }
  });
});
