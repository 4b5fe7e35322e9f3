import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { RULES as RULES_OF_NDIS } from '@ndis-chimney/core';
import { RULES } from '@ndis-chimney/verifier';
import { describe, expect, it } from 'vitest';

import { rulesPage } from '../../../tools/rules-page.mjs';
import { repositoryRoot } from '../../../tools/workspace.mjs';

const text = readFileSync(join(repositoryRoot, 'docs/reference/rules.md'), 'utf8');
const ids = RULES.map(({ id }) => id);

describe('docs/reference/rules.md', () => {
  it('is what the registry says (node tools/rules-page.mjs makes it)', () => {
    expect(text).toBe(rulesPage(RULES));
  });

  it('would notice a word that was changed', () => {
    expect(rulesPage(RULES.map((rule, at) => (at === 0 ? { ...rule, holds: `${rule.holds} Sometimes.` } : rule)))).not.toBe(text);
  });
});

describe('the registry of rules', () => {
  it('has every rule that NDIS checks, and says that somebody decides it', () => {
    const undecided = Object.keys(RULES_OF_NDIS).filter((id) => RULES.find((rule) => rule.id === id)?.decidedBy !== 'ndis' && RULES.find((rule) => rule.id === id)?.decidedBy !== 'verifier');
    expect(undecided).toEqual([]);
  });

  it('has each rule once, numbered from 001 without a gap in its group', () => {
    const groups = new Map<string, number[]>();
    for (const id of ids) {
      const [, group = '', number = ''] = /^CHIM-([A-Z]+)-(\d{3})$/.exec(id) ?? [];
      groups.set(group, [...(groups.get(group) ?? []), Number(number)]);
    }
    for (const [group, numbers] of groups) expect([group, numbers.sort((a, b) => a - b)]).toEqual([group, numbers.map((_, at) => at + 1)]);
  });

  it('knows the 220 rules of the catalogue, and those that only NDIS could have', () => {
    const counts = { INI: 17, QRY: 5, UPD: 9, INV: 6, TRM: 22, SND: 16, RCV: 13, RXI: 10, RET: 4, FWD: 5, DSC: 16, EVT: 20, IM: 17, NBL: 10, BLK: 12, TMR: 13, TS: 6, ST: 9, VLAN: 6, CAP: 7, PWR: 3, LIF: 7 };
    const found: Record<string, number> = {};
    for (const id of ids) found[id.split('-')[1] ?? ''] = (found[id.split('-')[1] ?? ''] ?? 0) + 1;
    expect(found).toEqual(counts);
  });
});
