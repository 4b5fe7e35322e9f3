import { spawnSync } from 'node:child_process';

import { describe, expect, test } from 'vitest';

const folder = import.meta.dirname;

function underNodeTest(env: Record<string, string> = {}): { readonly status: number | null; readonly stdout: string } {
  // Inside a test of node:test, its environment would make the child a part of it.
  const outside = { ...process.env };
  delete outside['NODE_TEST_CONTEXT'];
  const args = ['--import', '../../../tools/ts-register.mjs', '--conditions=@ndis-chimney/source', '--test', '--test-reporter=tap', 'fixtures/under-node-test.ts'];
  return spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', env: { ...outside, ...env } });
}

describe('under node:test', { timeout: 60_000 }, () => {
  test('each case is a test: failures fail, skipped ones have their reason, advisory ones are todo with what they say', () => {
    const { status, stdout } = underNodeTest();
    expect(status).toBe(1);
    expect(stdout).toMatch(/^ *ok \d+ - good: Does what good asks for \(CHIM-SND-001\)$/mu);
    expect(stdout).toMatch(/^ *not ok \d+ - bad: Does what bad asks for \(CHIM-SND-011, CHIM-SND-010\)$/mu);
    expect(stdout).toContain('the order: expected [0,1], found [1,0]');
    expect(stdout).toMatch(/^ *ok \d+ - lacking: .* # SKIP needs peer \(the far end of a connection is at the kit's command\)/mu);
    expect(stdout).toMatch(/^ *not ok \d+ - new: .* # TODO advisory$/mu);
    expect(stdout).toContain('something new');
    expect(stdout).toMatch(/# Subtest: C-NDIS-SND Send: accepted, in order/u);
  });

  test('an advisory failure alone leaves the run passed', () => {
    expect(underNodeTest({ ONLY_GOOD: '1' }).status).toBe(0);
  });
});
