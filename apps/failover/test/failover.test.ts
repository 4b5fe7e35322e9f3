import 'reflect-metadata';

import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { FailoverArguments } from '../src/arguments.ts';
import { jsonOf, textOf } from '../src/report.ts';
import { run, sizeOf, type Run } from '../src/run.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'failover-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const fileOf = (bytes: number): { readonly path: string; readonly sha256: string } => {
  const content = randomBytes(bytes);
  const path = join(folder, `${bytes} bytes`);
  writeFileSync(path, content);
  return { path, sha256: createHash('sha256').update(content).digest('hex') };
};

const runWith = async (bytes: number, options: Partial<FailoverArguments> = {}): Promise<Run & { readonly sha256: string }> => {
  const { path, sha256 } = fileOf(bytes);
  const args = { file: path, adapters: 2, failAt: [50], latencyMs: 0, chunkBytes: 4096, json: false, ...options };
  return { ...(await run(args, await sizeOf(path))), sha256 };
};

/** Adapters that carried the connection, by name. */
const usedIn = ({ journal }: Run): string[] => [...journal.adapters].filter(([, { initiates }]) => initiates > 0).map(([name]) => name);

describe('a transfer whose adapter fails', () => {
  test.each([
    ['half way', 200_000, { failAt: [50] }, ['nic0', 'nic1']],
    ['before anything is acknowledged in full', 200_000, { failAt: [0] }, ['nic0', 'nic1']],
    ['at the very end', 200_000, { failAt: [100] }, ['nic0', 'nic1']],
    ['three times', 300_000, { adapters: 4, failAt: [10, 50, 90] }, ['nic0', 'nic1', 'nic2', 'nic3']],
    ['with segments that take their time', 100_000, { latencyMs: 2 }, ['nic0', 'nic1']],
    ['with chunks larger than what it has room for', 3_000_000, { chunkBytes: 1_000_000 }, ['nic0', 'nic1']],
    ['with single bytes', 300, { chunkBytes: 1 }, ['nic0', 'nic1']],
  ] as const)('%s loses nothing', async (_when, bytes, options, adapters) => {
    const done = await runWith(bytes, options);
    expect(done.problems).toEqual([]);
    expect(done.outcome).toEqual({ bytesSent: bytes, bytesReceived: bytes, sha256Sent: done.sha256, sha256Received: done.sha256 });
    expect(usedIn(done)).toEqual(adapters);
    expect(done.moves).toBe(adapters.length - 1);
  });

  test('is a transfer like any other when the file is over before', async () => {
    const done = await runWith(0, { failAt: [] });
    expect([done.problems, done.outcome.bytesReceived, usedIn(done)]).toEqual([[], 0, ['nic0']]);
  });

  test('tells when what happened, and what went where', async () => {
    const done = await runWith(200_000);
    const text = textOf(done);
    const order = ['InHost -> Offloading (offered)', 'nic0 is pulled out', 'team: uploadAll', 'Uploading -> InHost', 'team: offloadResume', 'nic0 is gone'];
    const places = order.map((what) => text.indexOf(what));
    expect(places.every((place) => place >= 0)).toBe(true);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(text).toContain('Nothing was lost.');
    expect(jsonOf(done)).toMatchObject({ bytes: 200_000, moves: 1, problems: [], adapters: { nic0: { initiates: 1, terminates: 1 }, nic1: { initiates: 1 } } });
  });
});

describe('the command', { timeout: 60_000 }, () => {
  const application = join(import.meta.dirname, '..');
  const command = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, ['--import', '../../tools/ts-register.mjs', '--conditions=@ndis-chimney/source', 'src/main.ts', ...args], { cwd: application, encoding: 'utf8' });

  test('prints one JSON object and ends with 0 when all is well', () => {
    const { status, stdout, stderr } = command(join(application, '../../LICENSE'), '--json', '--chunk', '64');
    expect([status, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout.trim())).toMatchObject({ moves: 1, problems: [] });
  });

  test('ends with 2 and its usage for a file that is not there', () => {
    const { status, stderr } = command('no such file');
    expect(status).toBe(2);
    expect(stderr).toMatch(/^no such file is not a file\n\nnpm run failover/u);
  });
});
