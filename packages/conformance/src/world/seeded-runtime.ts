import { DeterministicRuntime } from '@ndis-chimney/core/runtime';

import type { ConformanceRuntime } from '../subject.ts';

/** Promise continuations that may be chained before nothing more is expected of them. */
const CONTINUATION_TURNS = 24;

/** The runtime of a case unless its maker brings another: a manual clock, everything from one seed, in this thread. */
export function createSeededRuntime(seed: string | number): ConformanceRuntime {
  const runtime = new DeterministicRuntime(seed);
  const { clock, dpcQueue, random } = runtime;
  const settle = async (): Promise<void> => {
    do {
      runtime.advance(0);
      for (let turn = 0; turn < CONTINUATION_TURNS; turn++) await Promise.resolve();
    } while (!dpcQueue.isIdle || clock.nextDueMs <= clock.now());
  };
  const advance = async (ms: number): Promise<void> => {
    const untilMs = clock.now() + ms;
    await settle();
    while (clock.fireNext(untilMs)) await settle();
    clock.advance(untilMs - clock.now());
    await settle();
  };
  return { clock, random, dpcQueue, settle, advance };
}
