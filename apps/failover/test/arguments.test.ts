import { describe, expect, test } from 'vitest';

import { UsageError, parseArguments } from '../src/arguments.ts';

describe('the command line', () => {
  test('has a default for everything: the lockfile, two adapters, one failure half way', () => {
    expect(parseArguments([])).toMatchObject({ adapters: 2, failAt: [50], latencyMs: 1, chunkBytes: 4096, json: false });
    expect(parseArguments([])?.file).toMatch(/pnpm-lock\.yaml$/u);
  });

  test('is read in any order, failures in the order they come in', () => {
    expect(parseArguments(['--json', 'a file', '--fail-at=90,10', '--adapters', '3', '--chunk', '1', '--latency', '0'])).toEqual({
      file: 'a file',
      adapters: 3,
      failAt: [10, 90],
      latencyMs: 0,
      chunkBytes: 1,
      json: true,
    });
  });

  test('may ask for help', () => {
    expect(parseArguments(['--help'])).toBeNull();
  });

  test.each([
    [['one', 'two'], 'one file at a time, not 2'],
    [['--adapters', '1'], '--adapters takes whole numbers from 2 to 64, not "1"'],
    [['--fail-at', '10,20'], '2 of 2 adapters cannot fail: one has to be left'],
    [['--fail-at', '101'], '--fail-at takes whole numbers from 0 to 100, not "101"'],
    [['--fail-at', ''], '--fail-at takes whole numbers'],
    [['--speed', '5'], "Unknown option '--speed'"],
  ])('%j is refused with what is wrong', (argv, message) => {
    expect(() => parseArguments(argv)).toThrow(UsageError);
    expect(() => parseArguments(argv)).toThrow(message);
  });
});
