import { createOffloadTarget, offloadTargetPlugin, optionsSchemaOf, resolveOptions, type OptionSchemas, type TargetLimits } from '@ndis-chimney/offload-target';
import { Ndis } from '@ndis-chimney/core';
import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import { OFFLOAD_TARGET_API_VERSION, type OffloadTargetEnvironment } from '@ndis-chimney/types';
import { describe, expect, it } from 'vitest';

interface Options {
  readonly rate?: number;
  readonly isLoud?: boolean;
  readonly word?: string;
}

const schemas: OptionSchemas<Options> = {
  rate: { type: 'integer', description: 'How fast.', default: 3, minimum: 1, maximum: 9 },
  isLoud: { type: 'boolean', description: 'How loud.', default: false },
  word: { type: 'string', description: 'What.', default: 'yes', enum: ['yes', 'no'] },
};

function environment(): OffloadTargetEnvironment {
  const runtime = new DeterministicRuntime(1);
  return { clock: runtime.clock, random: runtime.random, dpcQueue: runtime.dpcQueue, pools: new Ndis(runtime) };
}

const noEngine = (): never => {
  throw new Error('no adapter comes up in these tests');
};

describe('options of a target', () => {
  it('have their defaults filled in, and those left undefined count as left out', () => {
    expect(resolveOptions<Options>('mine', { rate: 5, word: undefined } as never, schemas)).toEqual({ rate: 5, isLoud: false, word: 'yes' });
  });

  it.each([
    [{ speed: 1 }, 'mine: there is no option speed (there are rate, isLoud, word)'],
    [{ rate: 10 }, 'mine: option rate is a whole number from 1 to 9, not 10'],
    [{ rate: {} }, 'mine: option rate is a whole number from 1 to 9, not an object'],
    [{ isLoud: 1 }, 'mine: option isLoud is true or false, not 1'],
    [{ word: 'maybe' }, "mine: option word is one of yes, no, not 'maybe'"],
    [7, 'mine: options is 7, not an object'],
  ])('%j is refused, with a reason', (options, message) => {
    expect(() => resolveOptions('mine', options as Options, schemas)).toThrow(new TypeError(message));
  });

  it('are described by JSON Schema', () => {
    expect(optionsSchemaOf('Options of mine', schemas)).toMatchObject({ title: 'Options of mine', additionalProperties: false, properties: { rate: { default: 3 } } });
  });
});

describe('limits of a target', () => {
  it.each([
    [{ connections: 1 }, 'there is no limit connections (there are connectionCapacity,'],
    [{ connectionCapacity: 1.5 }, 'limit connectionCapacity is a whole number from 0 to 2147483647, not 1.5'],
    [{ pathCapacity: -1 }, 'limit pathCapacity is a number from 0, not -1'],
    [{ pathCapacity: Number.NaN }, 'limit pathCapacity is a number from 0, not NaN'],
    [{ interfaceVlanIds: [4095] }, 'limit interfaceVlanIds is a list of whole numbers from 0 to 4094, not an object'],
    [{ isInvalidateLenient: 'yes' }, "limit isInvalidateLenient is true or false, not 'yes'"],
  ])('%j is refused, with a reason', (limits, message) => {
    const create = (): unknown => createOffloadTarget(environment(), { name: 'mine', createEngine: noEngine, limits: limits as TargetLimits });
    expect(create).toThrow(TypeError);
    expect(create).toThrow(`mine: ${message}`);
  });
});

describe('a plugin', () => {
  it('is made of a name and an engine; options and limits are as it says', () => {
    const plugin = offloadTargetPlugin<Options>({ name: 'target-mine', createEngine: noEngine, options: schemas, limits: ({ rate }) => ({ connectionCapacity: rate }) });
    expect(plugin).toMatchObject({ name: 'target-mine', apiVersion: OFFLOAD_TARGET_API_VERSION });
    expect('engineModule' in plugin).toBe(false);
    expect(plugin.create(environment(), { rate: 4 }).name).toBe('target-mine');
    expect(() => plugin.create(environment(), { rate: 40 })).toThrow('option rate is a whole number from 1 to 9, not 40');
  });

  it('says where its engine is, for those that run it elsewhere', () => {
    const engineModule = new URL('file:///engine.js');
    expect(offloadTargetPlugin({ name: 'target-mine', createEngine: noEngine, engineModule }).engineModule).toBe(engineModule);
  });
});
