import { describe, expect, test } from 'vitest';

import type { Sample } from '../harness.ts';
import { bulkCase, treeCase } from '../state-bulk.ts';
import { handlesCase } from '../state-memory.ts';
import { stateSuite } from '../state.ts';

/** Samples in which every timed case takes `ns` and every gauge reads `bytes`. */
function samplesOf(figure: (name: string) => Sample): Map<string, Sample[]> {
  return new Map([...stateSuite.cases.keys()].map((name) => [name, [figure(name)]]));
}

const verdicts = (samples: Map<string, Sample[]>): (string | undefined)[] =>
  stateSuite.report(samples).rows.filter(([, , bar]) => bar !== '').map(([, , , verdict]) => verdict);

describe('state.bulk', () => {
  test.each([1, 2, 3])('a burst hands the whole tree over and takes it back through %i edges, and says how long that took', (edges) => {
    expect(bulkCase(edges, 50).run(3)).toBeGreaterThan(0);
  });

  test('the reference makes a tree of as many connections, and walks it', () => {
    const reference = treeCase(50);
    expect([reference.itemsPerBurst, reference.run(3)]).toEqual([50, expect.any(Number)]);
  });

  test('what is done before each tree does not count, and is done once for each', () => {
    let collections = 0;
    const collect = (): void => {
      collections++;
    };
    for (const one of [treeCase(5, collect), bulkCase(1, 5, collect)]) expect(one.run(4)).toEqual(expect.any(Number));
    expect(collections).toBe(8);
  });
});

describe('state.memory', () => {
  test('is not measured on a heap that cannot be collected', async () => {
    // Tests run without the flag.
    expect(globalThis.gc).toBeUndefined();
    await expect(handlesCase('intermediate and target', 10).read()).rejects.toThrow('--expose-gc');
  });
});

describe('the report', () => {
  test('says that bars hold where they do', () => {
    const samples = samplesOf((name) => (name.startsWith('state.memory') ? { bytes: 600 } : { ns: name.includes('bulk') ? 300 : 100 }));
    expect(new Set(verdicts(samples))).toEqual(new Set(['holds']));
    expect(stateSuite.report(samples).figures).toMatchObject({
      bulk: { edges1: { few: 3, many: 3, uncollected: 3, growth: 1 }, edges3: { few: 1, many: 1, uncollected: 1, growth: 1 } },
      memory: { total: 600 },
    });
  });

  test('says that a bar was missed where it was: the quotient, its growth, the bytes', () => {
    const slow = samplesOf((name) => (name.startsWith('state.memory') ? { bytes: 1281 } : { ns: name.includes('bulk') && name.includes('100000') ? 2000 : 100 }));
    expect(new Set(verdicts(slow))).toEqual(new Set(['MISSED']));
  });

  test('says so too when a case was not measured at all', () => {
    expect(new Set(verdicts(new Map()))).toEqual(new Set(['MISSED']));
  });
});
