import { describe, expect, test } from 'vitest';

import { parseArguments } from '../src/bin/arguments.ts';

describe('the command line', () => {
  test('needs a module and nothing else', () => {
    expect(parseArguments(['target-tried'])).toEqual({ module: 'target-tried', behind: [], filters: [], isList: false, isJson: false });
  });

  test('may ask for everything, some of it more than once', () => {
    const line =
      'm --options {"room":1} --seed 7 --behind a --behind b --drivers 3 --filter SND --filter RCV --list --json --junit r.xml --html r.html --timeout 30';
    expect(parseArguments(line.split(' '))).toEqual({
      module: 'm',
      options: { room: 1 },
      seed: 7,
      behind: ['a', 'b'],
      drivers: 3,
      filters: ['SND', 'RCV'],
      isList: true,
      isJson: true,
      junitFile: 'r.xml',
      htmlFile: 'r.html',
      patienceMs: 30_000,
    });
  });

  test.each<[seed: string, is: string | number]>([
    ['0', 0],
    ['4294967296', 4_294_967_296],
    ['99999999999999999999', '99999999999999999999'],
    ['1.5', '1.5'],
    ['', ''],
    ['blue', 'blue'],
  ])('a seed is a number when it is a whole one: %j', (seed, is) => {
    expect(parseArguments(['m', `--seed=${seed}`])).toMatchObject({ seed: is });
  });

  test('asks for help or the version whatever else it says', () => {
    expect(parseArguments(['--help'])).toBe('help');
    expect(parseArguments(['a', 'b', '--version'])).toBe('version');
  });

  test.each<[says: string, ...args: string[]]>([
    ['no module is named'],
    ['one module at a time, not 2', 'a', 'b'],
    ["Unknown option '--nope'", 'a', '--nope'],
    ['--timeout takes a whole number from 1 to 86400, not "0"', 'a', '--timeout', '0'],
    ['--timeout takes a whole number from 1 to 86400, not ""', 'a', '--timeout='],
    ['--drivers takes a whole number from 1 to 64, not "0"', 'a', '--drivers', '0'],
    ['--options takes a JSON object; "{" is no JSON: ', 'a', '--options', '{'],
    ['--options takes a JSON object, not [1]', 'a', '--options', '[1]'],
    ['--options takes a JSON object, not null', 'a', '--options', 'null'],
  ])('that cannot be carried out is refused: %s', (says, ...args) => {
    expect(() => parseArguments(args)).toThrow(expect.objectContaining({ name: 'UsageError', message: expect.stringContaining(says) as string }) as Error);
  });
});
