import { defineConformance, type DescribeAndTest } from '@ndis-chimney/conformance';
import { describe, expect, test } from 'vitest';

import { caseOf, failing, ofEachOutcome } from './cases.ts';

interface Defined {
  readonly group: string;
  readonly name: string;
  readonly isSkipped: boolean;
  readonly body: () => Promise<void>;
}

/** A test runner that takes down what is defined. */
function recorder(): { readonly runner: DescribeAndTest; readonly defined: Defined[] } {
  const defined: Defined[] = [];
  let group = '';
  const define = (isSkipped: boolean) => (name: string, body: () => Promise<void>): void => {
    defined.push({ group, name, isSkipped, body });
  };
  const runner = {
    describe: (name: string, body: () => void): void => {
      group = name;
      body();
      group = '';
    },
    test: Object.assign(define(false), { skip: define(true) }),
  };
  return { runner, defined };
}

describe('in a test runner, cases', () => {
  test('are tests with their rules in the name, in a group for each clause', () => {
    const { runner, defined } = recorder();
    defineConformance(ofEachOutcome, runner);
    expect(defined.map(({ group, name }) => [group, name])).toEqual([
      ['C-NDIS-INI Initiate: state is taken over in order, every block is answered', 'good: Does what good asks for (CHIM-SND-001)'],
      ['C-NDIS-SND Send: accepted, in order, acknowledged before success', 'bad: Does what bad asks for (CHIM-SND-011, CHIM-SND-010)'],
      [
        'C-NDIS-SND Send: accepted, in order, acknowledged before success',
        "lacking: Does what lacking asks for (CHIM-SND-001) [needs peer (the far end of a connection is at the kit's command), control (pause, upload-all and resume are at the kit's command)]",
      ],
      ['C-NDIS-TRM Terminate, upload-all, pause, resume: everything comes back, once', 'new: Does what new asks for (CHIM-SND-001) [advisory]'],
    ]);
    expect(defined.filter(({ isSkipped }) => isSkipped).map(({ name }) => name.split(':')[0])).toEqual(['lacking']);
  });

  test('fail with what they say', async () => {
    const { runner, defined } = recorder();
    defineConformance([failing('bad', 'the wrong order'), caseOf('good')], runner);
    await expect(defined[0]?.body()).rejects.toThrow('the wrong order');
    await expect(defined[1]?.body()).resolves.toBeUndefined();
  });

  test('that are advisory pass, and what they say is told', async () => {
    const { runner, defined } = recorder();
    const told: string[] = [];
    defineConformance([failing('new', 'the wrong order', { isAdvisory: true }), caseOf('newer', { isAdvisory: true })], runner, {
      onAdvisory: ({ id }, problem) => told.push(`${id}: ${problem}`),
    });
    for (const { body } of defined) await body();
    expect(told).toEqual(['new: the wrong order']);
  });
});

// This very runner, as its users do it.
defineConformance([caseOf('vitest-runs-it'), { ...caseOf('vitest-skips-it'), missing: ['peer'], run: () => Promise.reject(new Error('was run')) }], { describe, test });
