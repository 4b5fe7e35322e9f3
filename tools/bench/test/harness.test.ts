import { describe, expect, test } from 'vitest';

import { measure, median, medianOf, ratioOf, type Effort, type Sample } from '../harness.ts';

const EFFORT: Effort = { rounds: 1, warmUpMs: 0, repetitionMs: 0.01, repetitions: 3 };

describe('median', () => {
  test('is the middle one, or the mean of the two in the middle', () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([])]).toEqual([2, 2.5, NaN]);
  });
});

describe('ratioOf', () => {
  test('pairs the samples round by round: a slow minute of the machine cancels out', () => {
    const samples = new Map<string, Sample[]>([
      ['a', [{ ns: 20 }, { ns: 200 }, { ns: 30 }]],
      ['b', [{ ns: 10 }, { ns: 100 }, { ns: 10 }]],
    ]);
    expect([ratioOf(samples, 'a', 'b'), medianOf(samples, 'a', 'ns')]).toEqual([2, 30]);
  });

  test('is not a number when one of the two was not measured, so that no bar holds by accident', () => {
    const samples = new Map<string, Sample[]>([['a', [{ ns: 20 }]]]);
    expect([ratioOf(samples, 'a', 'b'), ratioOf(samples, 'b', 'a'), medianOf(samples, 'a', 'bytes')]).toEqual([NaN, NaN, NaN]);
  });
});

describe('measure', () => {
  test('takes the nanoseconds that a case counted itself, per item, and no garbage when it is bulk', async () => {
    const sample = await measure(() => ({ isBulk: true, itemsPerBurst: 10, run: (bursts) => bursts * 70 }), EFFORT);
    expect(sample).toEqual({ ns: 7 });
  });

  test('times a case that counts nothing itself, and the heap that it allocates', async () => {
    let kept: object[] = [];
    const sample = await measure(
      () => ({
        itemsPerBurst: 1,
        run(bursts) {
          kept = Array.from({ length: bursts }, () => new Array<number>(16).fill(0));
          return Promise.resolve();
        },
      }),
      EFFORT,
    );
    expect(kept.length).toBeGreaterThan(0);
    expect(sample['ns']).toBeGreaterThan(0);
    expect(sample['bytesPerBurst']).toBeGreaterThan(100);
  });

  test('lets a gauge say itself what it found', async () => {
    expect(await measure(() => ({ read: () => Promise.resolve({ bytes: 5 }) }), EFFORT)).toEqual({ bytes: 5 });
  });
});
