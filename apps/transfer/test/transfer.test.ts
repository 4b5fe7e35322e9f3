import 'reflect-metadata';

import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { TransferArguments } from '../src/arguments.ts';
import { jsonOf, textOf, type Run } from '../src/report.ts';
import { run, sizeOf } from '../src/run.ts';

const FILE_BYTES = 300_001;
const content = randomBytes(FILE_BYTES);
let folder: string;
let file: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'transfer-'));
  file = join(folder, 'content');
  writeFileSync(file, content);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const transfer = async (args: Partial<TransferArguments> = {}): Promise<Run> => {
  const all: TransferArguments = { file, intermediates: 3, chunkBytes: 65_536, target: 'memory', json: true, ...args };
  return run(all, await sizeOf(all.file), () => undefined);
};

describe('a transfer', () => {
  test.each([0, 1, 3])('through %i intermediate drivers returns what was sent, and loses nothing', async (intermediates) => {
    const done = await transfer({ intermediates });
    const sha256 = createHash('sha256').update(content).digest('hex');
    expect(done.problems).toEqual([]);
    expect(jsonOf(done)).toMatchObject({ bytes: FILE_BYTES, bytesReceived: FILE_BYTES, sha256Sent: sha256, sha256Received: sha256, intermediates });
  });

  test('counts at the host’s edge: a send call per chunk, every NBL completed', async () => {
    const counts = jsonOf(await transfer({ chunkBytes: 10_000 })) as Record<string, number>;
    expect(counts).toMatchObject({ sendCalls: 31, nblsCompleted: 31 });
    expect(counts['sendCompletionCalls']).toBeGreaterThan(0);
    expect(counts['sendCompletionCalls']).toBeLessThanOrEqual(31);
  });

  test('shows the first send on its way down and up through every layer', async () => {
    const { meter } = await transfer({ intermediates: 1 });
    expect(meter.firstSend).toEqual([
      'NdisOffloadTcpSend -> MiniportTcpOffloadSend  (1 NBL, im1:nic0)',
      '  NdisOffloadTcpSend -> MiniportTcpOffloadSend  (1 NBL, nic0)',
      expect.stringMatching(/^ {2}NdisTcpOffloadSendComplete -> ProtocolTcpOffloadSendComplete {2}\(\d+ NBLs?, nic0, DPC\)$/u),
      expect.stringMatching(/^NdisTcpOffloadSendComplete -> ProtocolTcpOffloadSendComplete {2}\(\d+ NBLs?, im1:nic0, DPC\)$/u),
    ]);
  });

  test('of an empty file is a disconnect and a terminate', async () => {
    const empty = join(folder, 'empty');
    writeFileSync(empty, '');
    const done = await transfer({ file: empty });
    expect([done.problems, jsonOf(done)]).toMatchObject([[], { bytes: 0, sendCalls: 0 }]);
  });

  test('of single bytes works as well', async () => {
    const small = join(folder, 'small');
    writeFileSync(small, content.subarray(0, 100));
    const done = await transfer({ file: small, chunkBytes: 1 });
    expect([done.problems, jsonOf(done)]).toMatchObject([[], { bytes: 100, sendCalls: 100, nblsCompleted: 100 }]);
  });

  test('reports what differs', async () => {
    const done = await transfer();
    const text = textOf({ ...done, problems: ['what came back is not what was sent'] });
    expect(text).toContain('Something went wrong:\n- what came back is not what was sent');
    expect(textOf(done)).toContain('Nothing was lost.');
  });

  test('of something that is not a file is refused', async () => {
    await expect(sizeOf(folder)).rejects.toThrow('is not a file');
    await expect(sizeOf(join(folder, 'missing'))).rejects.toThrow('is not a file');
  });
});
