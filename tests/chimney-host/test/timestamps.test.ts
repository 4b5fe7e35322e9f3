import { blocksOf } from '@ndis-chimney/kit';
import { mergedRoundTripTicks, timestampAt, timestampDelta, type TcpOffloadStateDelegated } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { createHostStack, from, type HostStack } from './host-stack.ts';

/** One line of a table of the documentation: what happens at which time of the two clocks, and what it comes to. */
type Line = readonly [stack: number, nic: number, event: 'host sends' | 'target sends' | 'host offloads' | 'target uploads' | 'host hears' | 'target hears', value: number];

/** Plays a table. @returns every timestamp, TsTime and round trip, and the deltas at the end. */
function play(lines: readonly Line[]): { readonly values: number[]; readonly stackDelta: number; readonly nicDelta: number } {
  let stackDelta = 0;
  let nicDelta = 0;
  const values = lines.map(([stack, nic, event, echoed]) => {
    switch (event) {
      case 'host sends':
        return timestampAt(stack, stackDelta);
      case 'target sends':
        return timestampAt(nic, nicDelta);
      case 'host offloads':
        nicDelta = timestampDelta(timestampAt(stack, stackDelta), nic);
        return timestampAt(nic, nicDelta);
      case 'target uploads':
        stackDelta = timestampDelta(timestampAt(nic, nicDelta), stack);
        return timestampAt(stack, stackDelta);
      case 'host hears':
        return mergedRoundTripTicks(stack, stackDelta, echoed);
      case 'target hears':
        return mergedRoundTripTicks(nic, nicDelta, echoed);
    }
  });
  return { values, stackDelta, nicDelta };
}

describe('timestamps in numbers', () => {
  test('GV-TS-1: TsTime 100 at NicTime 200 is NicDelta -100', () => {
    expect(timestampDelta(100, 200)).toBe(-100);
  });

  test('GV-TS-2, GV-TS-4: the table without drift, its third timestamp 150', () => {
    const { values, stackDelta, nicDelta } = play([
      [100, 200, 'host sends', 0],
      [100, 200, 'host offloads', 0],
      [105, 205, 'target hears', 100],
      [110, 210, 'target sends', 0],
      [115, 215, 'target hears', 110],
      [150, 250, 'target sends', 0],
      [150, 250, 'target uploads', 0],
      [155, 255, 'host hears', 150],
    ]);
    expect(values).toEqual([100, 100, 5, 110, 5, 150, 150, 5]);
    expect([stackDelta, nicDelta]).toEqual([0, -100]);
  });

  test('GV-TS-3, GV-TS-4: the table with a host clock that drifts, its last echo 350', () => {
    const { values, stackDelta, nicDelta } = play([
      [100, 200, 'host sends', 0],
      [100, 200, 'host offloads', 0],
      [105, 205, 'target hears', 100],
      [200, 250, 'target sends', 0],
      [200, 250, 'target uploads', 0],
      [205, 255, 'host hears', 150],
      [250, 300, 'host sends', 0],
      [255, 305, 'host hears', 200],
      [400, 320, 'host sends', 0],
      [400, 320, 'host offloads', 0],
      [405, 325, 'target hears', 350],
    ]);
    expect(values).toEqual([100, 100, 5, 150, 150, 5, 200, 5, 350, 350, 5]);
    expect([stackDelta, nicDelta]).toEqual([-50, 30]);
  });

  test('GV-TS-5: across the wrap', () => {
    expect(mergedRoundTripTicks(10, -100, 0xFFFF_FFA0)).toBe(6);
  });
});

describe('the host computes', () => {
  const delegatedOf = (stack: HostStack, operation: 'initiate' | 'terminate'): TcpOffloadStateDelegated =>
    blocksOf(stack.pending(operation)).at(-1)?.state?.delegated as TcpOffloadStateDelegated;

  test('GV-TS-3: TsTime 100 at the first offload, StackDelta -50 after the upload, TsTime 350 at the next (CHIM-TS-005)', async () => {
    const stack = createHostStack();
    stack.runtime.advance(100);
    const offloading = stack.host.offload(from(1, { timestamps: true }));
    await stack.rest();
    expect(delegatedOf(stack, 'initiate').tsTime).toBe(100);
    stack.accept();
    const { connection } = await offloading;
    stack.runtime.advance(100);
    const terminated = connection?.terminate();
    Object.assign(delegatedOf(stack, 'terminate'), { tsTime: 150, state: 4 });
    await stack.complete('terminate');
    const uploaded = await terminated;
    expect(uploaded?.state.stackDelta).toBe(-50);
    stack.runtime.advance(200);
    const again = uploaded === undefined ? null : stack.host.offload(uploaded.state);
    await stack.rest();
    expect(delegatedOf(stack, 'initiate').tsTime).toBe(350);
    stack.accept();
    await again;
    await stack.close();
  });

  test('the clock of timestamps runs at the rate that was set, and wraps', async () => {
    const stack = createHostStack();
    stack.runtime.advance(2 ** 32 + 7);
    const offloading = stack.host.offload(from(1));
    await stack.rest();
    expect(delegatedOf(stack, 'initiate').tsTime).toBe(7);
    stack.accept();
    await offloading;
    await stack.close();
  });
});
