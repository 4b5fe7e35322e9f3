import { describe, expect, test } from 'vitest';

import { UsageError, parseArguments } from '../src/arguments.ts';

describe('the command line', () => {
  test('has a default for everything: the lockfile, three drivers, 64 KiB, the memory target', () => {
    expect(parseArguments([])).toMatchObject({ intermediates: 3, chunkBytes: 65_536, target: 'memory', json: false });
    expect(parseArguments([])?.file).toMatch(/pnpm-lock\.yaml$/u);
  });

  test('is read in any order', () => {
    expect(parseArguments(['--json', '--chunk', '1', 'a file', '--target=x', '--intermediates=0'])).toEqual({
      file: 'a file',
      intermediates: 0,
      chunkBytes: 1,
      target: 'x',
      json: true,
    });
  });

  test('may ask for help', () => {
    expect(parseArguments(['--help', '--chunk', '5'])).toBeNull();
  });

  test.each([
    [['one', 'two'], 'one file at a time, not 2'],
    [['--intermediates', 'many'], '--intermediates takes a whole number from 0 to 64, not "many"'],
    [['--intermediates', '65'], '--intermediates takes a whole number from 0 to 64, not "65"'],
    [['--intermediates', '1.5'], '--intermediates takes a whole number'],
    [['--chunk', '0'], '--chunk takes a whole number from 1 to 67108864, not "0"'],
    [['--chunk', ''], '--chunk takes a whole number from 1 to 67108864, not ""'],
    [['--chunck', '5'], "Unknown option '--chunck'"],
    [['--target'], "'--target <value>' argument missing"],
  ])('%j is refused with what is wrong', (argv, message) => {
    expect(() => parseArguments(argv)).toThrow(UsageError);
    expect(() => parseArguments(argv)).toThrow(message);
  });
});
