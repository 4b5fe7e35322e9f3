import { ManualClock, SystemClock } from '@ndis-chimney/core/runtime';
import type { Clock, Timer } from '@ndis-chimney/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

/** A timer that notes when it fired. */
function noting(clock: Clock, log: string[], name: string, then?: (timer: Timer) => void): Timer {
  return clock.createTimer({
    timerExpired(timer) {
      log.push(`${name}@${clock.now()}`);
      then?.(timer);
    },
  });
}

describe('ManualClock', () => {
  test('time stands still until it is moved', () => {
    const clock = new ManualClock(5);
    expect(clock.now()).toBe(5);
    clock.advance(0);
    expect(clock.now()).toBe(5);
    clock.advance(2.5);
    expect(clock.now()).toBe(7.5);
  });

  test('a timer fires at its own deadline, not where the advance ends', () => {
    const clock = new ManualClock();
    const log: string[] = [];
    noting(clock, log, 'late').start(30);
    noting(clock, log, 'early').start(10);
    clock.advance(100);
    expect(log).toEqual(['early@10', 'late@30']);
    expect(clock.now()).toBe(100);
  });

  test('equal deadlines fire in the order the timers were started, whatever order they were made in', () => {
    const clock = new ManualClock();
    const log: string[] = [];
    const [a, b, c] = ['a', 'b', 'c'].map((name) => noting(clock, log, name)) as [Timer, Timer, Timer];
    c.start(10);
    a.start(10);
    b.start(10);
    // Started anew, it goes to the end of the row.
    c.start(10);
    clock.advance(10);
    expect(log).toEqual(['a@10', 'b@10', 'c@10']);
  });

  test('timers that start later but are due at the same time come after those that wait already', () => {
    const clock = new ManualClock();
    const log: string[] = [];
    noting(clock, log, 'first').start(20);
    clock.advance(5);
    noting(clock, log, 'second').start(15);
    clock.advance(15);
    expect(log).toEqual(['first@20', 'second@20']);
  });

  test('any mix of starts, restarts and cancels fires what is left by deadline, and by start order where equal', () => {
    const step = fc.record({ timer: fc.nat(9), delay: fc.nat(5), cancel: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const clock = new ManualClock();
        const log: string[] = [];
        const timers = Array.from({ length: 10 }, (_, at) => noting(clock, log, String(at)));
        const expected = new Map<number, { delay: number; order: number }>();
        steps.forEach(({ timer, delay, cancel }, order) => {
          expect(timers[timer]?.isRunning).toBe(expected.has(timer));
          if (cancel) {
            expect(timers[timer]?.cancel()).toBe(expected.delete(timer));
          } else {
            timers[timer]?.start(delay);
            expected.set(timer, { delay, order });
          }
        });
        expect(clock.pendingTimers).toBe(expected.size);
        clock.advance(5);
        const inOrder = [...expected].sort(([, a], [, b]) => a.delay - b.delay || a.order - b.order);
        expect(log).toEqual(inOrder.map(([timer, { delay }]) => `${timer}@${delay}`));
        expect(clock.pendingTimers).toBe(0);
      }),
    );
  });

  test('a timer that a timer starts fires within the same advance when it is due by then', () => {
    const clock = new ManualClock();
    const log: string[] = [];
    let rounds = 3;
    noting(clock, log, 'periodic', (timer) => {
      if (--rounds > 0) timer.start(10);
    }).start(10);
    clock.advance(25);
    expect(log).toEqual(['periodic@10', 'periodic@20']);
    clock.advance(5);
    expect(log).toEqual(['periodic@10', 'periodic@20', 'periodic@30']);
  });

  test('a delay of 0 or less fires as soon as the clock runs', () => {
    const clock = new ManualClock(100);
    const log: string[] = [];
    noting(clock, log, 'now').start(0);
    noting(clock, log, 'past').start(-50);
    expect(log).toEqual([]);
    clock.advance(0);
    expect(log).toEqual(['now@100', 'past@100']);
  });

  test('it says when the next timer is due, and fires one at a time when asked', () => {
    const clock = new ManualClock();
    const log: string[] = [];
    expect(clock.nextDueMs).toBe(Infinity);
    noting(clock, log, 'a').start(10);
    noting(clock, log, 'b').start(20);
    expect(clock.nextDueMs).toBe(10);
    expect(clock.fireNext(15)).toBe(true);
    expect(clock.now()).toBe(10);
    expect(clock.fireNext(15)).toBe(false);
    expect(clock.fireNext()).toBe(true);
    expect(clock.fireNext()).toBe(false);
    expect(log).toEqual(['a@10', 'b@20']);
  });

  test('spans that are none are refused: negative, not a number', () => {
    const clock = new ManualClock();
    expect(() => {
      clock.advance(-1);
    }).toThrow(TypeError);
    expect(() => {
      clock.advance(NaN);
    }).toThrow(TypeError);
    const timer = clock.createTimer({ timerExpired: () => undefined });
    expect(() => {
      timer.start(NaN);
    }).toThrow(TypeError);
    expect(timer.isRunning).toBe(false);
  });

  test('a timer is not running any more when its routine runs, and cancelling it then finds nothing', () => {
    const clock = new ManualClock();
    const seen: boolean[] = [];
    const timer = clock.createTimer({
      timerExpired(self) {
        seen.push(self.isRunning, self.cancel());
      },
    });
    timer.start(1);
    expect(timer.dueMs).toBe(1);
    clock.advance(1);
    expect(seen).toEqual([false, false]);
  });
});

// The one place where real time passes: a few milliseconds.
describe('SystemClock', () => {
  test('timers of one clock fire in the order of their deadlines, none early', async () => {
    const clock = new SystemClock();
    const fired: { name: string; lateMs: number }[] = [];
    await new Promise<void>((resolve) => {
      const start = (name: string, delayMs: number, then: () => void): void => {
        const timer = clock.createTimer({
          timerExpired(self) {
            fired.push({ name, lateMs: clock.now() - self.dueMs });
            then();
          },
        });
        timer.start(delayMs);
      };
      start('last', 4, resolve);
      start('first', 1, () => undefined);
      start('equal, started later', 1, () => undefined);
    });
    expect(fired.map(({ name }) => name)).toEqual(['first', 'equal, started later', 'last']);
    for (const { lateMs } of fired) expect(lateMs).toBeGreaterThanOrEqual(0);
  });

  test('a timer that was cancelled never fires, and one that is restarted fires once', async () => {
    const clock = new SystemClock();
    const fired: string[] = [];
    await new Promise<void>((resolve) => {
      const note = (name: string): Timer =>
        clock.createTimer({
          timerExpired() {
            fired.push(name);
          },
        });
      const cancelled = note('cancelled');
      const restarted = note('restarted');
      cancelled.start(1);
      restarted.start(1);
      expect(cancelled.cancel()).toBe(true);
      expect(cancelled.cancel()).toBe(false);
      restarted.start(2);
      clock
        .createTimer({
          timerExpired() {
            resolve();
          },
        })
        .start(4);
    });
    expect(fired).toEqual(['restarted']);
  });
});
