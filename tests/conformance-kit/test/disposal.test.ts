// What makers of subjects make for a case may take its time to come, and is disposed of with the case.
import { intermediateConformance, offloadTargetConformance, type ConformanceRuntime, type IntermediateFactory, type OffloadTargetConformanceOptions } from '@ndis-chimney/conformance';
import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import { PassThroughDriver } from '@ndis-chimney/intermediate';
import { beforeEach, describe, expect, test } from 'vitest';

import { passThroughSubject } from './intermediate-subjects.ts';
import { memorySubject } from './subjects.ts';

const told: string[] = [];
beforeEach(() => {
  told.length = 0;
});

const disposing = (name: string): { dispose: () => Promise<void> } => ({
  dispose: async () => {
    await Promise.resolve();
    told.push(name);
  },
});

/** As if it had to start a thread first. */
async function createRuntime(): Promise<ConformanceRuntime> {
  await Promise.resolve();
  const runtime = new DeterministicRuntime(1);
  const advance = async (ms: number): Promise<void> => {
    for (let turn = 0; turn < 24; turn++) await Promise.resolve();
    runtime.advance(ms);
    for (let turn = 0; turn < 24; turn++) await Promise.resolve();
  };
  const { clock, random, dpcQueue } = runtime;
  return { clock, random, dpcQueue, settle: () => advance(0), advance, ...disposing('runtime') };
}

const behind = (name: string): IntermediateFactory => async (ndis) => {
  await Promise.resolve();
  return Object.assign(new PassThroughDriver(ndis, { name }), disposing(name));
};

const subject: OffloadTargetConformanceOptions = {
  ...memorySubject,
  createRuntime,
  intermediates: [behind('high'), behind('low')],
  create: async (environment, wishes) => Object.assign(await memorySubject.create(environment, wishes), disposing('target')),
};

const runOf = (options: OffloadTargetConformanceOptions): Promise<void> | undefined => offloadTargetConformance(options).find(({ id }) => id === 'target-send-posting-order')?.run();

describe('what a case was tried with', () => {
  test('is disposed of in the order opposite to that in which it was made', async () => {
    await runOf(subject);
    expect(told).toEqual(['low', 'high', 'target', 'runtime']);
  });

  test('is disposed of when a driver cannot be made', async () => {
    const intermediates = [behind('high'), (): Promise<never> => Promise.reject(new Error('no such driver'))];
    await expect(runOf({ ...subject, intermediates })).rejects.toThrow('no such driver');
    expect(told).toEqual(['high', 'target', 'runtime']);
  });

  test('is disposed of when the target cannot be made', async () => {
    await expect(runOf({ ...subject, create: () => Promise.reject(new Error('no such hardware')) })).rejects.toThrow('no such hardware');
    expect(told).toEqual(['runtime']);
  });

  test('is disposed of to the end when something cannot be, and the case fails with that', async () => {
    const create: OffloadTargetConformanceOptions['create'] = async (environment, wishes) => {
      const dispose = (): Promise<void> => Promise.reject(new Error('the thread does not end'));
      return Object.assign(await memorySubject.create(environment, wishes), { dispose });
    };
    await expect(runOf({ ...subject, create })).rejects.toThrow('the thread does not end');
    expect(told).toEqual(['low', 'high', 'runtime']);
  });

  test('is disposed of where intermediate drivers are tried too', async () => {
    const plain = passThroughSubject();
    const found = intermediateConformance({
      ...plain,
      createRuntime,
      drivers: 2,
      create: async (ndis, wishes) => Object.assign(await plain.create(ndis, wishes), disposing(wishes.name)),
    }).find(({ id }) => id === 'intermediate-send-down');
    await found?.run();
    expect(told).toEqual(['driver1', 'driver0', 'runtime']);
  });
});
