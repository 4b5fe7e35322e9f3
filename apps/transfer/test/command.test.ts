import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

const application = join(import.meta.dirname, '..');
const licence = join(application, '../../LICENSE');

const command = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, ['--import', '../../tools/ts-register.mjs', '--conditions=@ndis-chimney/source', 'src/main.ts', ...args], {
    cwd: application,
    encoding: 'utf8',
  });

describe('the command', { timeout: 60_000 }, () => {
  test('prints one JSON object as its last line and ends with 0 when all is well', () => {
    const { status, stdout, stderr } = command(licence, '--json', '--intermediates', '1');
    expect([status, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({ intermediates: 1, sendCalls: 1, problems: [] });
  });

  test('ends with 2 and its usage for a command line it cannot read', () => {
    const { status, stdout, stderr } = command('--chunk', 'x');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain('--chunk takes a whole number from 1 to 67108864, not "x"');
    expect(stderr).toContain('npm start -- [file] [options]');
  });

  test('ends with 1 and one sentence when it cannot be done', () => {
    const { status, stderr } = command(licence, '--target', 'no-such-target');
    expect([status, stderr]).toEqual([1, '--target no-such-target: neither a target of ours (memory), nor a file, nor a package installed here\n']);
  });
});
