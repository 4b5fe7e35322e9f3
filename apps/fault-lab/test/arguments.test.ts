import 'reflect-metadata';

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { commandOf, parseArguments, UsageError } from '../src/arguments.ts';
import { chooseExperiment } from '../src/choose.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fault-lab-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const planFile = (name: string, content: unknown): string => {
  const file = join(folder, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
};

const choose = async (...argv: string[]): ReturnType<typeof chooseExperiment> => {
  const args = parseArguments(argv);
  if (args === null) throw new Error('help was asked for');
  return chooseExperiment(args);
};

describe('the command line', () => {
  test('takes a plan of one’s own, for whichever driver, with its seed', async () => {
    const plan = { id: 'mine', seed: 'abc', faults: [{ fault: 'A1', nth: 2 }] };
    const file = planFile('plan.json', plan);
    await expect(choose(file)).resolves.toMatchObject({ target: plan, seed: 'abc' });
    await expect(choose(file, '--at', 'intermediate', '--seed', '7')).resolves.toMatchObject({ intermediate: plan, target: { faults: [] }, seed: '7' });
  });

  test('changes the size of an experiment', async () => {
    const { work, intermediates } = await choose('kb942861', '--connections', '3', '--messages', '5', '--bytes', '7', '--intermediates', '2');
    expect([work.connections, work.messages, work.messageBytes, intermediates]).toEqual([3, 5, 7, 2]);
  });

  test.each([
    [['nowhere'], /there is no incident nowhere \(there are ebpf-2012, /],
    [['a', 'b'], /one incident or plan at a time, not 2/],
    [['--at', 'wire'], /--at takes target, intermediate or host, not "wire"/],
    [['--connections', '0'], /--connections takes a whole number from 1 to 1000, not "0"/],
    [['--bytes', '1.5'], /--bytes takes a whole number from 1 to 65536, not "1.5"/],
    [['--what'], /--what/],
    [['no/such/plan.json'], /no\/such\/plan.json cannot be read/],
  ])('refuses %j', async (argv, message) => {
    const attempt = async (): Promise<unknown> => choose(...argv);
    await expect(attempt()).rejects.toThrow(message);
    await expect(attempt()).rejects.toBeInstanceOf(UsageError);
  });

  test.each([
    ['{', /plan.json: /],
    [{ faults: [{ fault: 'A99' }] }, /there is no fault 'A99'/],
    [{ faults: [{ fault: 'G1' }] }, /G1/, '--at', 'host'],
  ])('says what is wrong with the plan %j', async (content, message, ...flags: string[]) => {
    await expect(choose(planFile('plan.json', content), ...flags)).rejects.toThrow(message);
  });

  test('is told whole in the command that repeats a run', () => {
    const args = parseArguments(['x.json', '--at', 'host', '--connections', '2', '--json', '--lines', '3']);
    if (args === null) throw new Error('help was asked for');
    expect(commandOf(args, 'a b')).toBe('npm run fault-lab -- x.json --at host --seed "a b" --connections 2');
  });
});

describe('the program', () => {
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
  const register = fileURLToPath(new URL('../../../tools/ts-register.mjs', import.meta.url));
  const start = (...argv: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } =>
    spawnSync(process.execPath, ['--import', register, '--conditions=@ndis-chimney/source', main, ...argv], { encoding: 'utf8' });

  test('ends with 0 after an experiment, whatever it shows, and prints one JSON object when asked', { timeout: 60_000 }, () => {
    const { status, stdout } = start('bit-flip', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ command: 'npm run fault-lab -- bit-flip --seed 1', faults: [{ fault: 'C6' }] });
  });

  test('ends with 2 and the usage after a bad command line, and lists what there is', { timeout: 60_000 }, () => {
    const bad = start('nowhere');
    expect([bad.status, bad.stderr]).toEqual([2, expect.stringMatching(/there is no incident nowhere[^]*npm run fault-lab/)]);
    const list = start('--list');
    expect([list.status, list.stdout]).toEqual([0, expect.stringMatching(/kb942861[^]*A1 [^]*does not complete a request/)]);
  });
});
