// The kit on a target that cannot have time injected: real timers, real microtasks, and cases that do not need more.
import { offloadTargetConformance, type ConformanceRuntime } from '@ndis-chimney/conformance';
import { MicrotaskDpcQueue, SeededRandom, SystemClock } from '@ndis-chimney/core/runtime';
import { describe, expect, test } from 'vitest';

import { memorySubject } from './subjects.ts';

const sleep = (ms: number): Promise<void> => new Promise((resolve) => {
  setTimeout(resolve, ms);
});

/** Runtimes that were made, and those of them that are not disposed of. */
const runtimes = { made: 0, alive: 0 };

/**
 * Time passes by itself; `settle` gives everything that is under way a turn of the event loop or two. It takes a while to
 * come and to go, as a worker does.
 */
async function createRealRuntime(): Promise<ConformanceRuntime> {
  await sleep(1);
  runtimes.made++;
  runtimes.alive++;
  const dispose = async (): Promise<void> => {
    await sleep(1);
    runtimes.alive--;
  };
  return { clock: new SystemClock(), random: new SeededRandom(1), dpcQueue: new MicrotaskDpcQueue(), settle: () => sleep(2), advance: sleep, dispose };
}

const cases = offloadTargetConformance({
  ...memorySubject,
  abilities: (memorySubject.abilities ?? []).filter((ability) => ability !== 'virtual-time'),
  createRuntime: createRealRuntime,
});

describe('target-memory in real time', () => {
  test('is tried with most cases', () => {
    expect(cases.filter(({ missing }) => missing.length === 0).length).toBeGreaterThan(120);
  });

  // Each has a world of its own: they wait at the same time.
  for (const { id, title, missing, isAdvisory, run } of cases) {
    test.skipIf(missing.length > 0 || isAdvisory).concurrent(`${id}: ${title}`, async ({ expect: expectHere }) => {
      await expectHere(run()).resolves.toBeUndefined();
    }, 60_000);
  }
});

describe('runtimes in real time', () => {
  test('are disposed of with their cases', () => {
    expect(runtimes.made).toBeGreaterThan(120);
    expect(runtimes.alive).toBe(0);
  });
});
