import { DeterministicRuntime, SeededRandom } from '@ndis-chimney/core/runtime';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const draw = (random: SeededRandom, count: number): number[] => Array.from({ length: count }, () => random.nextUint32());

describe('SeededRandom', () => {
  test('equal seeds give equal streams, number or text alike', () => {
    expect(draw(new SeededRandom('seed'), 100)).toEqual(draw(new SeededRandom('seed'), 100));
    expect(draw(new SeededRandom(7), 100)).toEqual(draw(new SeededRandom('7'), 100));
  });

  test('the stream is the same on every platform: its first numbers for seed 0 are fixed', () => {
    expect(draw(new SeededRandom(0), 4)).toMatchInlineSnapshot(`
      [
        1807617838,
        1664972632,
        2750967793,
        19906500,
      ]
    `);
  });

  test('different seeds give different streams, neighboring ones too', () => {
    const first = Array.from({ length: 2000 }, (_, seed) => new SeededRandom(seed).nextUint32());
    // Of 2,000 draws from 2^32, two are equal with a chance of 1 in 2,000.
    expect(new Set(first).size).toBeGreaterThan(1997);
  });

  test('a fork depends on the seed and its label alone, not on what was drawn before', () => {
    const fresh = new SeededRandom('s');
    const used = new SeededRandom('s');
    draw(used, 50);
    expect(draw(used.fork('wire'), 20)).toEqual(draw(fresh.fork('wire'), 20));
  });

  test('drawing from a fork does not move its parent', () => {
    const plain = new SeededRandom('s');
    const forked = new SeededRandom('s');
    draw(forked.fork('a'), 50);
    expect(draw(forked, 20)).toEqual(draw(plain, 20));
  });

  test('forks of different labels, and of their parent, are different streams', () => {
    const parent = new SeededRandom('s');
    const streams = [parent, parent.fork('a'), parent.fork('b'), parent.fork('a').fork('a')].map((random) => draw(random, 20).join());
    expect(new Set(streams).size).toBe(4);
  });

  test('labels of forks do not run together, however they are written', () => {
    const parent = new SeededRandom('s');
    const streams = [
      parent.fork('a').fork('b'),
      parent.fork('a/b'),
      parent.fork('ab'),
      parent.fork('').fork('ab'),
      parent.fork('ab').fork(''),
      parent.fork('a').fork('').fork('b'),
      new SeededRandom('s/a').fork('b'),
      new SeededRandom('s').fork('a/').fork('b'),
    ].map((random) => draw(random, 4).join());
    expect(new Set(streams).size).toBe(streams.length);
  });

  test('forks do not go along with each other: bits of two of them agree half of the time', () => {
    const parent = new SeededRandom('independence');
    const a = parent.fork('a');
    const b = parent.fork('b');
    let equalBits = 0;
    for (let i = 0; i < 2000; i++) {
      let differing = a.nextUint32() ^ b.nextUint32();
      for (equalBits += 32; differing !== 0; differing &= differing - 1) equalBits--;
    }
    // 64,000 coin tosses: five standard deviations are 632.
    expect(Math.abs(equalBits - 32_000)).toBeLessThan(632);
  });

  test.each([2, 6, 10, 1000])('nextInt(%i) draws every number about equally often', (limit) => {
    const random = new SeededRandom(`uniform ${limit}`);
    const perNumber = 2000;
    const counts = new Array<number>(limit).fill(0);
    for (let i = 0; i < limit * perNumber; i++) {
      const drawn = random.nextInt(limit);
      counts[drawn] = (counts[drawn] ?? 0) + 1;
    }
    const chiSquare = counts.reduce((sum, count) => sum + (count - perNumber) ** 2 / perNumber, 0);
    const degrees = limit - 1;
    expect(chiSquare).toBeLessThan(degrees + 5 * Math.sqrt(2 * degrees));
    expect(chiSquare).toBeGreaterThan(degrees - 5 * Math.sqrt(2 * degrees) - 1);
  });

  test('nextInt does not favor small numbers where its limit does not divide 2^32', () => {
    // With limit 3 * 2^30, taking the remainder would draw the lowest third twice as often.
    const limit = 3 * 2 ** 30;
    const random = new SeededRandom('fair');
    let low = 0;
    for (let i = 0; i < 9000; i++) if (random.nextInt(limit) < limit / 3) low++;
    expect(Math.abs(low - 3000)).toBeLessThan(5 * Math.sqrt(9000 * (2 / 9)));
  });

  test('every draw is in its range', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 2 ** 32 }), (seed, limit) => {
        const random = new SeededRandom(seed);
        const whole = random.nextUint32();
        const fraction = random.nextFloat();
        const below = random.nextInt(limit);
        expect(Number.isInteger(whole) && whole >= 0 && whole < 2 ** 32).toBe(true);
        expect(fraction >= 0 && fraction < 1).toBe(true);
        expect(Number.isInteger(below) && below >= 0 && below < limit).toBe(true);
      }),
    );
  });

  test.each([0, -1, 1.5, NaN, Infinity, 2 ** 32 + 1])('nextInt(%d) is refused', (limit) => {
    expect(() => new SeededRandom(0).nextInt(limit)).toThrow(TypeError);
  });

  test('nextFloat has mean one half', () => {
    const random = new SeededRandom('mean');
    let sum = 0;
    for (let i = 0; i < 20_000; i++) sum += random.nextFloat();
    expect(Math.abs(sum / 20_000 - 0.5)).toBeLessThan(5 / Math.sqrt(12 * 20_000));
  });
});

test('DeterministicRuntime: one seed, one run; its DPC order is a stream of its own', () => {
  const a = new DeterministicRuntime('run');
  const b = new DeterministicRuntime('run');
  a.dpcQueue.run();
  expect(draw(a.random, 10)).toEqual(draw(b.random, 10));
});
