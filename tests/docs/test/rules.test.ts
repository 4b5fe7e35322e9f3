import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { RULES } from '@ndis-chimney/core';
import { describe, expect, it } from 'vitest';

import { repositoryRoot } from '../../../tools/workspace.mjs';

const text = readFileSync(join(repositoryRoot, 'docs/reference/rules.md'), 'utf8');

/** Rules of the page's tables and the page each names. */
function rulesIn(page: string): Map<string, string> {
  const rows = page.matchAll(/^\| `(CHIM-[A-Z]+-\d{3})` \| [^|]+ \| [^|]+ \| `([^`]+)` \|$/gmu);
  return new Map([...rows].map(([, rule = '', source = '']) => [rule, source]));
}

describe('docs/reference/rules.md', () => {
  const [byNdis = '', byHost = ''] = text.split('## Checked by the host');

  it('lists every rule that NDIS checks, with its page, and no other', () => {
    expect(Object.fromEntries(rulesIn(byNdis))).toEqual(RULES);
  });

  it('lists what the host checks apart', () => {
    expect([...rulesIn(byHost).keys()]).toEqual(['CHIM-TRM-007', 'CHIM-TRM-015']);
  });

  it('would notice a rule that is missing', () => {
    const without = byNdis.replace(/^\| `CHIM-NBL-001`.*$/mu, '');
    expect(Object.fromEntries(rulesIn(without))).not.toEqual(RULES);
  });
});
