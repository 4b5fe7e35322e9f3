import { DeferredCompletions } from '@ndis-chimney/intermediate';
import { IRQL } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { createEdge, type Edge } from './edge.ts';

interface Setup extends Edge {
  readonly completions: DeferredCompletions<string>;
  /** What was completed, and `edge done` for each time it was told of. */
  readonly log: string[];
  /** Adds a completion that notes its name. */
  readonly add: (upperEdge: string, name: string) => void;
  readonly settle: () => void;
}

function setup(): Setup {
  const edge = createEdge();
  const log: string[] = [];
  const completions = new DeferredCompletions<string>(edge.ndis.dpcQueue, (upperEdge) => {
    log.push(`${upperEdge} done`);
  });
  const add = (upperEdge: string, name: string): void => {
    completions.add(upperEdge, () => {
      log.push(name);
    });
  };
  return { ...edge, completions, log, add, settle: () => { edge.runtime.advance(0); } };
}

describe('DeferredCompletions', () => {
  test('they come from a DPC, never inside the call that adds them, in the order they were added', () => {
    const { ndis, completions, log, add, settle } = setup();
    add('a', 'first');
    completions.add('b', () => {
      log.push(`second at ${ndis.currentIrql === IRQL.DISPATCH_LEVEL ? 'DISPATCH_LEVEL' : 'another level'}`);
    });
    add('a', 'third');
    expect(log).toEqual([]);
    settle();
    expect(log).toEqual(['first', 'a done', 'second at DISPATCH_LEVEL', 'b done', 'third', 'a done']);
    settle();
    expect(log).toHaveLength(6);
  });

  test('what is added by a completion comes after all that were added before it', () => {
    const { completions, log, add, settle } = setup();
    completions.add('a', () => {
      log.push('first');
      add('a', 'last');
    });
    add('a', 'second');
    settle();
    expect(log).toEqual(['first', 'a done', 'second', 'a done', 'last', 'a done']);
  });

  test('a completion that has all of them made makes those behind it as well, each once', () => {
    const { completions, log, add, settle } = setup();
    completions.add('a', () => {
      log.push('first');
      add('a', 'third');
      completions.drain();
      log.push('nothing is owed');
    });
    add('a', 'second');
    settle();
    expect(log).toEqual(['first', 'second', 'a done', 'third', 'a done', 'nothing is owed', 'a done']);
    settle();
    expect(log).toHaveLength(7);
  });

  test('what is stopped at its first try is tried once more, and no oftener', () => {
    const { completions, violations, log, settle } = setup();
    const error = new Error('stopped');
    let tries = 0;
    completions.addFirstTry('a', () => {
      tries++;
      log.push(`try ${tries}`);
      throw error;
    });
    settle();
    expect([tries, violations.map(({ cause }) => cause)]).toEqual([2, [error, error]]);
    expect(log).toEqual(['try 1', 'a done', 'try 2', 'a done']);
    expect(completions.isPending('a')).toBe(false);
  });

  test('they are pending per upper interface, until the last of it begins', () => {
    const { completions, settle } = setup();
    const seen: unknown[] = [];
    const pending = (): boolean[] => ['a', 'b', 'c'].map((edge) => completions.isPending(edge));
    for (const edge of ['a', 'b', 'a']) {
      completions.add(edge, () => {
        seen.push(pending());
      });
    }
    expect(pending()).toEqual([true, true, false]);
    settle();
    expect(seen).toEqual([
      [true, true, false],
      [true, false, false],
      [false, false, false],
    ]);
    expect(pending()).toEqual([false, false, false]);
  });

  test('whoever waits until nothing is pending finds it so when told of the last', () => {
    const edge = createEdge();
    const seen: boolean[] = [];
    const completions = new DeferredCompletions<string>(edge.ndis.dpcQueue, (upperEdge) => {
      seen.push(completions.isPending(upperEdge));
    });
    for (let i = 0; i < 3; i++) completions.add('a', () => undefined);
    edge.runtime.advance(0);
    expect(seen).toEqual([true, true, false]);
  });

  test.each([0, 1, 2])('CHIM-LIF-005: one that throws, at place %i, is reported and told of, and does not take the others with it', (bad) => {
    const { completions, log, add, settle, violations } = setup();
    const boom = new Error('boom');
    for (let at = 0; at < 3; at++) {
      if (at !== bad) add('a', `completion ${at}`);
      else {
        completions.add('a', () => {
          throw boom;
        });
      }
    }
    settle();
    expect(violations.map(({ rule, actor, cause }) => [rule, actor, cause])).toEqual([['CHIM-LIF-005', 'a DPC', boom]]);
    expect(log).toEqual([0, 1, 2].flatMap((at) => (at === bad ? ['a done'] : [`completion ${at}`, 'a done'])));
    expect(completions.isPending('a')).toBe(false);
  });

  test('what waits behind one that throws stays in front of what the throwing one added', () => {
    const { completions, log, add, settle } = setup();
    completions.add('a', () => {
      add('b', 'added by the first');
      throw new Error('boom');
    });
    add('a', 'second');
    settle();
    expect(log).toEqual(['a done', 'second', 'a done', 'added by the first', 'b done']);
  });

  test('several that throw are reported each', () => {
    const { completions, log, add, settle, violations } = setup();
    const errors = [new Error('one'), new Error('two')];
    for (const error of errors) {
      completions.add('a', () => {
        throw error;
      });
    }
    add('a', 'last');
    settle();
    expect([violations.map(({ cause }) => cause), log]).toEqual([errors, ['a done', 'a done', 'last', 'a done']]);
  });
});
