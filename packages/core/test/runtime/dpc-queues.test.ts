import { DeterministicRuntime, MicrotaskDpcQueue, SeededDpcQueue, SeededRandom } from '@ndis-chimney/core/runtime';
import { Dpc, IRQL, type DpcQueue } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

const dpcOf = (run: (dpc: Dpc) => void): Dpc => new Dpc({ runDpc: run });

/** Both queues, and how each is made to run what it has. */
const kinds: [name: string, make: () => { queue: DpcQueue; drain: () => Promise<void> }][] = [
  [
    'SeededDpcQueue',
    () => {
      const queue = new SeededDpcQueue();
      return {
        queue,
        drain: () => {
          queue.run();
          return Promise.resolve();
        },
      };
    },
  ],
  ['MicrotaskDpcQueue', () => ({ queue: new MicrotaskDpcQueue(), drain: nextMacrotask })],
];

const nextMacrotask = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

describe.each(kinds)('%s', (_name, make) => {
  test('a DPC runs once, however often it was inserted', async () => {
    const { queue, drain } = make();
    let runs = 0;
    const dpc = dpcOf(() => {
      runs++;
    });
    expect([queue.insert(dpc), queue.insert(dpc), queue.insert(dpc)]).toEqual([true, false, false]);
    expect(dpc.isQueued).toBe(true);
    await drain();
    expect(runs).toBe(1);
    expect(dpc.isQueued).toBe(false);
    expect(queue.insert(dpc)).toBe(true);
    await drain();
    expect(runs).toBe(2);
  });

  test('nothing runs inside the insertion', async () => {
    const { queue, drain } = make();
    const log: string[] = [];
    queue.insert(
      dpcOf(() => {
        log.push('ran');
      }),
    );
    log.push('inserted');
    await drain();
    expect(log).toEqual(['inserted', 'ran']);
  });

  test('what a DPC inserts, itself included, runs in the next pass: after all that waits already', async () => {
    const { queue, drain } = make();
    const log: string[] = [];
    const late = dpcOf(() => {
      log.push('late');
    });
    let again = true;
    const first = dpcOf((self) => {
      log.push('first');
      queue.insert(late);
      if (again) queue.insert(self);
      again = false;
    });
    const second = dpcOf(() => {
      log.push('second');
    });
    queue.insert(first);
    queue.insert(second);
    await drain();
    expect(log).toEqual(['first', 'second', 'late', 'first', 'late']);
  });

  test('a DPC that was removed does not run, be it of this pass or of the next', async () => {
    const { queue, drain } = make();
    const log: string[] = [];
    const victim = dpcOf(() => {
      log.push('victim');
    });
    const later = dpcOf(() => {
      log.push('later');
    });
    queue.insert(
      dpcOf(() => {
        queue.insert(later);
        log.push(`removed ${queue.remove(victim)} ${queue.remove(later)} ${queue.remove(later)}`);
      }),
    );
    queue.insert(victim);
    await drain();
    expect(log).toEqual(['removed true true false']);
    expect(victim.isQueued).toBe(false);
    expect(queue.insert(victim)).toBe(true);
    await drain();
    expect(log).toEqual(['removed true true false', 'victim']);
  });

  test('a DPC of another queue is not removed', () => {
    const { queue } = make();
    const other = new SeededDpcQueue();
    const dpc = dpcOf(() => undefined);
    other.insert(dpc);
    expect(queue.remove(dpc)).toBe(false);
    expect(dpc.isQueued).toBe(true);
  });

  test('what a DPC throws goes to the listeners, and the others run all the same', async () => {
    const { queue, drain } = make();
    const ran: string[] = [];
    const heard: [unknown, Dpc][] = [];
    const stop = queue.onError((error, dpc) => {
      heard.push([error, dpc]);
    });
    const boom = new Error('boom');
    const bad = dpcOf(() => {
      throw boom;
    });
    queue.insert(bad);
    queue.insert(
      dpcOf(() => {
        ran.push('good');
      }),
    );
    await drain();
    expect(ran).toEqual(['good']);
    expect(heard).toEqual([[boom, bad]]);
    stop();
    queue.onError(() => undefined);
    queue.insert(bad);
    await drain();
    expect(heard).toHaveLength(1);
  });

  test('code runs at DISPATCH_LEVEL inside a DPC and at PASSIVE_LEVEL outside, also after one that throws', async () => {
    const { queue, drain } = make();
    const levels: number[] = [queue.irql];
    queue.onError(() => {
      levels.push(queue.irql);
    });
    queue.insert(
      dpcOf(() => {
        levels.push(queue.irql);
        throw new Error('boom');
      }),
    );
    await drain();
    levels.push(queue.irql);
    expect(levels).toEqual([IRQL.PASSIVE_LEVEL, IRQL.DISPATCH_LEVEL, IRQL.DISPATCH_LEVEL, IRQL.PASSIVE_LEVEL]);
  });
});

describe('SeededDpcQueue', () => {
  const orderOf = (seed: string): string => {
    const queue = new SeededDpcQueue(new SeededRandom(seed));
    const order: number[] = [];
    for (let at = 0; at < 6; at++) {
      queue.insert(
        dpcOf(() => {
          order.push(at);
        }),
      );
    }
    queue.run();
    return order.join('');
  };

  test('the order of a pass is drawn from the seed: equal for equal seeds, every order comes up for some', () => {
    expect(orderOf('a')).toBe(orderOf('a'));
    const orders = Array.from({ length: 3000 }, (_, seed) => orderOf(String(seed)));
    for (const order of orders) expect(Array.from(order).sort().join('')).toBe('012345');
    // 720 orders, 3,000 draws: about 11 of them are missed.
    expect(new Set(orders).size).toBeGreaterThan(680);
  });

  test('without a random stream a pass runs in the order of insertion', () => {
    const queue = new SeededDpcQueue();
    const order: number[] = [];
    for (let at = 0; at < 20; at++) {
      queue.insert(
        dpcOf(() => {
          order.push(at);
        }),
      );
    }
    expect(queue.run()).toBe(1);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  test('a pass at a time: runPass leaves what is inserted meanwhile for the next', () => {
    const queue = new SeededDpcQueue();
    const dpc = dpcOf((self) => {
      queue.insert(self);
    });
    queue.insert(dpc);
    expect(queue.isIdle).toBe(false);
    expect(queue.runPass()).toBe(true);
    expect(queue.isIdle).toBe(false);
    queue.remove(dpc);
    queue.runPass();
    expect(queue.isIdle).toBe(true);
    expect(queue.runPass()).toBe(false);
  });

  test('run and runPass inside a DPC go on with the pass that the DPC is part of: none is left out, none runs twice', () => {
    for (const drain of ['run', 'runPass'] as const) {
      const queue = new SeededDpcQueue();
      const ran: string[] = [];
      const later = dpcOf(() => {
        ran.push('later');
      });
      for (const name of ['a', 'b', 'c']) {
        queue.insert(
          dpcOf(() => {
            ran.push(name);
            if (name !== 'a') return;
            queue.insert(later);
            queue[drain]();
          }),
        );
      }
      queue.run();
      expect(ran).toEqual(['a', 'b', 'c', 'later']);
      expect(queue.isIdle).toBe(true);
    }
  });

  test('a DPC that queues itself for ever is noticed', () => {
    const queue = new SeededDpcQueue();
    queue.insert(
      dpcOf((self) => {
        queue.insert(self);
      }),
    );
    expect(() => queue.run(10)).toThrow(/10 passes/);
  });
});

describe('MicrotaskDpcQueue', () => {
  test('a burst drains in a microtask: before any timer or I/O', async () => {
    const queue = new MicrotaskDpcQueue();
    const log: string[] = [];
    setImmediate(() => log.push('macrotask'));
    queue.insert(
      dpcOf(() => {
        log.push('dpc');
      }),
    );
    await nextMacrotask();
    expect(log).toEqual(['dpc', 'macrotask']);
  });

  test('endless work lets the event loop have its turn, and goes on after it', async () => {
    const queue = new MicrotaskDpcQueue();
    let runs = 0;
    const dpc = dpcOf((self) => {
      if (++runs < 100_000) queue.insert(self);
    });
    queue.insert(dpc);
    await nextMacrotask();
    const runsAtFirstTurn = runs;
    expect(runsAtFirstTurn).toBeGreaterThan(0);
    expect(runsAtFirstTurn).toBeLessThanOrEqual(4096);
    while (runs < 100_000) await nextMacrotask();
    expect(runs).toBe(100_000);
  });
});

test('DeterministicRuntime.advance runs what a timer queued before the next timer fires', () => {
  const runtime = new DeterministicRuntime();
  const { clock, dpcQueue } = runtime;
  const log: string[] = [];
  const dpc = dpcOf(() => {
    log.push(`dpc@${clock.now()}`);
  });
  for (const delay of [10, 20]) {
    clock
      .createTimer({
        timerExpired() {
          log.push(`timer@${clock.now()}`);
          dpcQueue.insert(dpc);
        },
      })
      .start(delay);
  }
  dpcQueue.insert(dpc);
  runtime.advance(30);
  expect(log).toEqual(['dpc@0', 'timer@10', 'dpc@10', 'timer@20', 'dpc@20']);
  expect(clock.now()).toBe(30);
  expect(clock.pendingTimers).toBe(0);
  expect(dpcQueue.isIdle).toBe(true);
});
