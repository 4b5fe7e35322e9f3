import { runCases, type CaseResult } from '@ndis-chimney/conformance';
import { ManualClock } from '@ndis-chimney/core/runtime';
import { describe, expect, test } from 'vitest';

import { caseOf, failing, lacking, ofEachOutcome } from './cases.ts';

const clock = new ManualClock();
const only = async (...args: Parameters<typeof runCases>): Promise<CaseResult> => {
  const [result, ...others] = (await runCases(...args)).results;
  if (result === undefined || others.length > 0) throw new Error('one case has one result');
  return result;
};

describe('a case', () => {
  test('that resolves has passed', async () => {
    expect(await only([caseOf('good')], { clock })).toMatchObject({ id: 'good', outcome: 'passed', problem: '', stack: '' });
  });

  test('that throws a sentence of the kit has failed with it as it is', async () => {
    expect(await only([failing('bad', 'byte 3 is 1, not 2')], { clock })).toMatchObject({ outcome: 'failed', problem: 'byte 3 is 1, not 2', stack: '' });
  });

  test('that throws an error of the subject has failed with its name, message and origin', async () => {
    const result = await only([caseOf('bad', { run: () => Promise.reject(new RangeError('too far')) })], { clock });
    expect(result).toMatchObject({ outcome: 'failed', problem: 'threw RangeError: too far' });
    expect(result.stack).toContain('run-cases.test.ts');
  });

  test.each([[undefined], [null], ['text'], [0]])('that throws %j has failed', async (thrown) => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a subject may throw anything
    expect(await only([caseOf('bad', { run: () => Promise.reject(thrown) })], { clock })).toMatchObject({ outcome: 'failed', problem: `threw ${String(thrown)}` });
  });

  test('that throws before it returns a promise has failed', async () => {
    const run = (): Promise<void> => {
      throw new Error('at once');
    };
    expect(await only([caseOf('bad', { run })], { clock })).toMatchObject({ outcome: 'failed', problem: 'threw Error: at once' });
  });

  test('whose abilities are missing is skipped with what they are, and not run', async () => {
    expect(await only([lacking('lacking', 'peer', 'virtual-time')], { clock })).toMatchObject({
      outcome: 'skipped',
      problem: "needs peer (the far end of a connection is at the kit's command), virtual-time (time is injected)",
    });
  });

  test('that is advisory fails nobody', async () => {
    expect(await only([failing('new', 'something', { isAdvisory: true })], { clock })).toMatchObject({ outcome: 'advisory', problem: 'something' });
    expect(await only([caseOf('new', { isAdvisory: true })], { clock })).toMatchObject({ outcome: 'passed' });
  });

  test('that never ends has failed when its time is over, and the next one is run', async () => {
    const own = new ManualClock();
    const stuck = caseOf('stuck', { run: () => new Promise(() => undefined) });
    const running = runCases([stuck, caseOf('good')], { clock: own, patienceMs: 5000, onStart: () => { own.advance(0); } });
    await Promise.resolve();
    own.advance(4999);
    await Promise.resolve();
    own.advance(1);
    const { results } = await running;
    expect(results.map(({ outcome, problem, durationMs }) => [outcome, problem, durationMs])).toEqual([
      ['failed', 'did not end within 5000 ms', 5000],
      ['passed', '', 0],
    ]);
    expect(own.nextDueMs).toBe(Infinity);
  });

  test('is failed by what nobody caught while it ran, and only that one', async () => {
    const listeners: ((error: unknown) => void)[] = [];
    const watchUncaught = (report: (error: unknown) => void): (() => Promise<void>) => {
      listeners.push(report);
      return () => {
        listeners.splice(listeners.indexOf(report), 1);
        return Promise.resolve();
      };
    };
    const run = (): Promise<void> => {
      for (const report of listeners) report(new Error('out of a timer'));
      return Promise.resolve();
    };
    const { results } = await runCases([caseOf('good'), caseOf('bad', { run }), caseOf('after')], { clock, watchUncaught });
    expect(results.map(({ outcome, problem }) => [outcome, problem])).toEqual([['passed', ''], ['failed', 'threw Error: out of a timer'], ['passed', '']]);
    expect(listeners).toEqual([]);
  });
});

describe('a run', () => {
  test('tells results in order, counts them, and measures by its clock', async () => {
    const own = new ManualClock();
    const told: string[] = [];
    const slow = caseOf('slow', {
      run: () => {
        own.advance(250);
        return Promise.resolve();
      },
    });
    const { results, counts, durationMs } = await runCases([...ofEachOutcome, slow], {
      clock: own,
      onStart: ({ id }) => told.push(`start ${id}`),
      onResult: ({ id, outcome }) => told.push(`${id} ${outcome}`),
    });
    expect(told).toEqual(['start good', 'good passed', 'start bad', 'bad failed', 'start new', 'new advisory', 'lacking skipped', 'start slow', 'slow passed']);
    expect(counts).toEqual({ passed: 2, failed: 1, advisory: 1, skipped: 1 });
    expect([durationMs, results.at(-1)?.durationMs]).toEqual([250, 250]);
  });

  test('runs what its filter takes', async () => {
    const { results } = await runCases(ofEachOutcome, { clock, filter: ({ requirement }) => requirement === 'C-NDIS-SND' });
    expect(results.map(({ id }) => id)).toEqual(['bad', 'lacking']);
  });
});
