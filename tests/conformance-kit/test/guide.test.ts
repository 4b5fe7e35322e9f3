// What the pages for users say about the kit, against the kit.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ABILITY } from '@ndis-chimney/conformance';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const guide = readFileSync(join(root, 'docs/guide/prove-a-target-or-a-driver.md'), 'utf8');
const readme = readFileSync(join(root, 'packages/conformance/README.md'), 'utf8');
const command = readFileSync(join(root, 'packages/conformance/src/bin/arguments.ts'), 'utf8');

/** First cells of the rows under a heading. */
const firstCells = (text: string, heading: string): string[] => {
  const section = text.split(/^## /mu).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^\| `([^`]+)`/gmu)].map(([, cell = '']) => cell);
};

describe('the pages for users', () => {
  test('have every ability, and no other', () => {
    expect(firstCells(guide, 'Abilities').sort()).toEqual(Object.keys(ABILITY).sort());
  });

  test('have every option of the command', () => {
    const options = [...command.matchAll(/^ {2}(--[a-z]+)/gmu)].map(([, option = '']) => option).filter((option) => option !== '--help' && option !== '--version');
    const documented = firstCells(readme, 'The command').flatMap((cell) => cell.split(' ')[0] ?? []);
    expect(options.length).toBeGreaterThan(5);
    expect([...documented, '--html'].sort()).toEqual(options.sort());
  });

  test('lead to pages that exist', () => {
    for (const [page, folder] of [[guide, 'docs/guide'], [readme, 'packages/conformance']] as const) {
      for (const [, link = ''] of page.matchAll(/\]\(([^)#:]+)\)/gu)) expect(() => readFileSync(join(root, folder, link))).not.toThrow();
    }
  });
});
