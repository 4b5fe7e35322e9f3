import { NDIS_STATUS_PENDING, NDIS_STATUS_SUCCESS } from '@ndis-chimney/types';

import { DATA_OPERATIONS, STATE_OPERATIONS, dataEntryTaps, stateEntryTaps } from '../completion-taps.ts';
import type { FaultScope } from '../fault-scope.ts';
import type { Fault } from '../fault.ts';
import type { FaultyAdapter } from '../faulty-adapter.ts';
import { BOTH, delayMs, oneOf } from './common.ts';

/** Calls on their way to a driver that is slow to take them: one after the other. */
class Lane {
  private readonly scope: FaultScope;
  private lastDueMs = 0;
  private count = 0;
  private whenEmpty: (() => void) | null = null;

  constructor(scope: FaultScope) {
    this.scope = scope;
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** Calls after `delay` milliseconds, and after everything that was put in before. */
  put(delay: number, call: () => void): void {
    const { clock } = this.scope.ground;
    const now = clock.now();
    this.lastDueMs = Math.max(this.lastDueMs, now + delay);
    this.after(this.lastDueMs - now, call);
  }

  /** Calls after `delay` milliseconds, whatever was put in before. */
  after(delay: number, call: () => void): void {
    this.count++;
    this.scope.deferrals.later(delay, () => {
      this.count--;
      call();
      if (this.count > 0 || this.whenEmpty === null) return;
      const { whenEmpty } = this;
      this.whenEmpty = null;
      whenEmpty();
    });
  }

  /** Calls when the lane is empty. */
  drained(call: () => void): void {
    this.whenEmpty = call;
  }
}

/** C12: everything takes its time. */
const slow: Fault = {
  id: 'C12',
  title: 'is slow',
  symptom: 'Every call takes a while to be taken up, and those behind it wait (head-of-line blocking): long tails of latency.',
  caughtBy: '',
  edges: BOTH,
  operations: [...DATA_OPERATIONS, ...STATE_OPERATIONS],
  parameters: {
    delayMs: delayMs('How long the driver takes to take a call up, in milliseconds.', 10),
    jitterMs: delayMs('Most by which it takes longer, drawn per call, in milliseconds.', 0),
    order: oneOf('kept: later calls wait for earlier ones; broken: only the struck call is late, others overtake it.', 'kept', 'broken'),
  },
  inject: (scope) => {
    const lanes = new WeakMap<FaultyAdapter, Lane>();
    const isOrderKept = scope.text('order') === 'kept';
    const laneOf = (adapter: FaultyAdapter): Lane => {
      const lane = lanes.get(adapter) ?? new Lane(scope);
      lanes.set(adapter, lane);
      return lane;
    };
    /** @returns false when the call is to be made now. */
    const isDelayed = (adapter: FaultyAdapter, isStruck: boolean, call: () => void): boolean => {
      const lane = laneOf(adapter);
      const delay = isStruck ? scope.number('delayMs') + scope.random.nextFloat() * scope.number('jitterMs') : 0;
      if (!isStruck && (lane.isEmpty || !isOrderKept)) return false;
      if (isOrderKept) lane.put(delay, call);
      else lane.after(delay, call);
      return true;
    };
    return {
      miniport: {
        ...dataEntryTaps((operation, next, list, context, offloadContext) => {
          const adapter = scope.adapter(context);
          const isStruck = scope.strike({ operation, connection: scope.book.ofContext(offloadContext), adapter: adapter.name, subject: list }, 'taken up late') !== null;
          return isDelayed(adapter, isStruck, () => { next(list); }) ? NDIS_STATUS_PENDING : next(list);
        }),
        ...stateEntryTaps((operation, next, tree, context) => {
          const adapter = scope.adapter(context);
          const isStruck = scope.strike({ operation, connection: scope.book.ofTree(tree), adapter: adapter.name, subject: tree }, 'taken up late') !== null;
          if (!isDelayed(adapter, isStruck, () => { next(tree); })) next(tree);
        }),
        // A driver is not asked to pause what it has not been given yet.
        miniportPause: (next, context) => {
          const adapter = scope.adapter(context);
          const lane = laneOf(adapter);
          if (lane.isEmpty) return next(context);
          lane.drained(() => {
            if (next(context) === NDIS_STATUS_SUCCESS) adapter.miniport.pauseComplete();
          });
          return NDIS_STATUS_PENDING;
        },
      },
    };
  },
};

export const slowFaults: readonly Fault[] = [slow];
