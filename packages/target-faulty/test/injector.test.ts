import { Ndis } from '@ndis-chimney/core';
import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import { FaultInjector, formatFaultEvent, withFaults, type FaultEvent, type FaultOccasion, type FaultPlan, type PlannedFault } from '@ndis-chimney/target-faulty';
import type { MiniportDriver, Random } from '@ndis-chimney/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

/** What a fault sees of its plan. */
interface FaultScope {
  readonly id: string;
  readonly random: Random;
  strike(occasion: FaultOccasion, effect: string): object | null;
}

const environmentOf = ({ clock, random, dpcQueue }: DeterministicRuntime) => ({ clock, random, dpcQueue });

/** The scopes of an injector, as its faults have them. */
function scopesOf(injector: FaultInjector): readonly FaultScope[] {
  return (injector as unknown as { readonly scopes: readonly FaultScope[] }).scopes;
}

const occasion = { operation: 'TcpOffloadSend', connection: null, adapter: 'nic0' };

/** Occasions, counted from 1, at which a planned fault strikes, one a millisecond from 1 ms on. */
function strikes(planned: Omit<PlannedFault, 'fault'>, count = 12, seed: number | string = 1): number[] {
  const runtime = new DeterministicRuntime(1);
  const injector = new FaultInjector({ seed, faults: [{ fault: 'A1', ...planned }] }, 'target', environmentOf(runtime), { logLimit: 0 });
  const [scope] = scopesOf(injector) as [FaultScope];
  return Array.from({ length: count }, (_, at) => at + 1).filter(() => {
    runtime.advance(1);
    return scope.strike(occasion, 'test') !== null;
  });
}

/** Which of 40 occasions a planned fault strikes at, and what it draws there. */
function story(plan: FaultPlan, id: string): string[] {
  const injector = new FaultInjector(plan, 'target', environmentOf(new DeterministicRuntime(1)));
  const scopes = scopesOf(injector);
  const drawn: string[] = [];
  for (let count = 0; count < 40; count++) {
    for (const scope of scopes) {
      const strike = scope.strike(occasion, 'test');
      if (scope.id === id) drawn.push(strike === null ? '-' : String(scope.random.nextUint32()));
    }
  }
  return drawn;
}

describe('when a planned fault strikes', () => {
  test.each<[Omit<PlannedFault, 'fault'>, number[]]>([
    [{}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
    [{ nth: 3 }, [3]],
    [{ every: 5 }, [5, 10]],
    [{ next: 2 }, [1, 2]],
    [{ limit: 3 }, [1, 2, 3]],
    [{ every: 2, limit: 2 }, [2, 4]],
    [{ window: { fromMs: 4, toMs: 7 } }, [4, 5, 6]],
    [{ window: { fromMs: 10 } }, [10, 11, 12]],
    [{ window: { toMs: 3 } }, [1, 2]],
    [{ window: { fromMs: 5 }, nth: 2 }, [6]],
    [{ window: { fromMs: 5 }, next: 2 }, [5, 6]],
    [{ probability: 0 }, []],
    [{ probability: 1 }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
    [{ limit: 0 }, []],
  ])('%j', (planned, expected) => {
    expect(strikes(planned)).toEqual(expected);
  });

  test('as often as its probability says', () => {
    const { length } = strikes({ probability: 0.25 }, 10_000);
    expect(length).toBeGreaterThan(2300);
    expect(length).toBeLessThan(2700);
  });
});

test('what a limit or a window keeps from striking does not change what chance says of other occasions', () => {
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 0.05, max: 0.95, noNaN: true }), fc.nat(10), (seed, probability, limit) => {
      const all = strikes({ probability }, 50, seed);
      expect(strikes({ probability, limit }, 50, seed)).toEqual(all.slice(0, limit));
    }),
  );
});

describe('chance', () => {
  test('each fault has its own: others before it, after it, more of them or none, do not shift it', () => {
    const others = fc.array(fc.record({ fault: fc.constantFrom('A1', 'A2', 'A4', 'C12'), probability: fc.double({ min: 0, max: 1, noNaN: true }) }), { maxLength: 4 });
    fc.assert(
      fc.property(fc.string(), others, others, (seed, before, after) => {
        const named = (faults: readonly PlannedFault[], prefix: string): PlannedFault[] => faults.map((fault, at) => ({ ...fault, id: `${prefix} ${at}` }));
        const observed: PlannedFault = { fault: 'A5', id: 'observed', probability: 0.4 };
        const alone = story({ seed, faults: [observed] }, 'observed');
        expect(story({ seed, faults: [...named(before, 'before'), observed, ...named(after, 'after')] }, 'observed')).toEqual(alone);
      }),
      { numRuns: 50 },
    );
  });

  test('two faults of a kind are not alike, nor is another seed', () => {
    const faults = [{ fault: 'A1', id: 'one', probability: 0.5 }, { fault: 'A1', id: 'other', probability: 0.5 }];
    expect(story({ seed: 1, faults }, 'one')).not.toEqual(story({ seed: 1, faults }, 'other'));
    expect(story({ seed: 1, faults }, 'one')).not.toEqual(story({ seed: 2, faults }, 'one'));
  });

  test('a plan without a seed gets one from the environment, with which it can be repeated', () => {
    const plan: FaultPlan = { faults: [{ fault: 'A1', probability: 0.5 }] };
    const { seed } = new FaultInjector(plan, 'target', environmentOf(new DeterministicRuntime(1)));
    expect(seed).toMatch(/^\d+$/);
    expect(story({ ...plan, seed }, 'A1')).toEqual(story(plan, 'A1'));
    expect(new FaultInjector(plan, 'target', environmentOf(new DeterministicRuntime(2))).seed).not.toBe(seed);
  });
});

describe('the log', () => {
  test('has every event, oldest first, and the listener gets it at once', () => {
    const runtime = new DeterministicRuntime(1);
    runtime.advance(1000);
    const heard: FaultEvent[] = [];
    const injector = new FaultInjector({ id: 'p', seed: 's', faults: [{ fault: 'A1', every: 2 }] }, 'target', environmentOf(runtime), { onFault: (event) => heard.push(event) });
    const [scope] = scopesOf(injector) as [FaultScope];
    runtime.advance(2.5);
    scope.strike(occasion, 'nothing');
    scope.strike(occasion, 'completion "held" back');
    expect(heard).toEqual(injector.log.events);
    expect(injector.log.lines).toEqual(['2.5 ms kind=injected plan=p seed=s fault=A1 id=A1 number=1 operation=TcpOffloadSend adapter=nic0 connection=- cause="every 2, occasion 2" effect="completion \\"held\\" back"']);
    expect(structuredClone(injector.log.events)).toEqual(injector.log.events);
    expect(injector.log.events.map(formatFaultEvent)).toEqual(injector.log.lines);
  });

  test('keeps so many and counts all', () => {
    const injector = new FaultInjector({ faults: [{ fault: 'A1' }, { fault: 'A2', nth: 100 }] }, 'target', environmentOf(new DeterministicRuntime(1)), { logLimit: 2 });
    for (let count = 0; count < 5; count++) for (const scope of scopesOf(injector)) scope.strike(occasion, 'test');
    expect(injector.log.events.map(({ number }) => number)).toEqual([4, 5]);
    expect(injector.log.dropped).toBe(3);
    expect(injector.injections).toEqual({ A1: 5, A2: 0 });
  });
});

describe('conditions', () => {
  const strike = (fault: PlannedFault, predicate?: (subject: unknown) => boolean): boolean => {
    const injector = new FaultInjector({ faults: [fault] }, 'target', environmentOf(new DeterministicRuntime(1)), predicate === undefined ? {} : { predicates: { A1: ({ subject }) => predicate(subject) } });
    const [scope] = scopesOf(injector) as [FaultScope];
    const connection = { name: '4000-7', hostPort: 4000, peerPort: 7, adapter: 'nic0', handle: null as never };
    return scope.strike({ ...occasion, connection, subject: 'an NBL' }, 'test') !== null;
  };

  test.each<[PlannedFault['where'], boolean]>([
    [{}, true],
    [{ hostPort: 4000, peerPort: 7, adapter: 'nic0', operation: 'TcpOffloadSend' }, true],
    [{ hostPort: 4001 }, false],
    [{ peerPort: 8 }, false],
    [{ adapter: 'nic1' }, false],
    [{ operation: 'TcpOffloadReceive' }, false],
    [{ oid: 1 }, false],
  ])('where %j', (where, expected) => {
    expect(strike({ fault: 'A1', ...(where !== undefined && { where }) })).toBe(expected);
  });

  test('a predicate sees what crosses', () => {
    expect(strike({ fault: 'A1' }, (subject) => subject === 'an NBL')).toBe(true);
    expect(strike({ fault: 'A1' }, () => false)).toBe(false);
  });

  test('a predicate for a fault that the plan does not have is a mistake', () => {
    const make = (): unknown => new FaultInjector({ faults: [{ fault: 'A1', id: 'mine' }] }, 'target', environmentOf(new DeterministicRuntime(1)), { predicates: { A1: () => true } });
    expect(make).toThrow('fault plan plan: there is a predicate for A1, but no fault with that id (there are mine)');
  });

  test('nothing strikes any more once the faults are healed, and a fault can be asked to strike', () => {
    const injector = new FaultInjector({ faults: [{ fault: 'A1', limit: 0 }] }, 'target', environmentOf(new DeterministicRuntime(1)));
    const [scope] = scopesOf(injector) as [FaultScope];
    injector.strikeNext('A1', 2);
    expect(scope.strike(occasion, 'test')).not.toBeNull();
    injector.heal();
    expect(scope.strike(occasion, 'test')).toBeNull();
    expect(() => { injector.strikeNext('B1'); }).toThrow('fault plan plan: it has no fault with the id B1 (it has A1)');
  });
});

describe('withFaults refuses', () => {
  const ndis = new Ndis();
  const target = (): MiniportDriver<never> => ({ name: 'target', miniportInitializeEx: () => 0 }) as unknown as MiniportDriver<never>;

  test('a driver that has faults', () => {
    const driver = withFaults(target(), { faults: [] }, ndis);
    expect(() => withFaults(driver, { faults: [] }, ndis)).toThrow('withFaults: target has a member faults already; put all faults into one plan');
  });

  test('what is no driver', () => {
    expect(() => withFaults({ name: 'nothing' } as never, { faults: [] }, ndis)).toThrow('withFaults: the driver is neither a miniport driver nor a protocol driver, and has no register()');
  });

  test('a host without its NDIS', () => {
    const host = { name: 'host', register: () => undefined };
    expect(() => withFaults(host, { faults: [] }, environmentOf(new DeterministicRuntime(1)) as never)).toThrow('withFaults: host needs the NDIS it registers with');
  });
});
