import { casesOfModule, pluginSubject, type ConformanceAbilities } from '@ndis-chimney/conformance';
import { ProbeTarget } from '@ndis-chimney/conformance/probes';
import { Ndis } from '@ndis-chimney/core';
import { OFFLOAD_TARGET_API_VERSION, type OffloadTargetEnvironment, type OffloadTargetPlugin } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { caseOf, lacking } from './cases.ts';

interface Options {
  readonly room?: number;
  readonly mode?: 'manual' | 'echo';
}

const ndis = new Ndis();
const made: Options[] = [];
const plugin: OffloadTargetPlugin<Options> = {
  name: 'target-tried',
  apiVersion: OFFLOAD_TARGET_API_VERSION,
  optionsSchema: { type: 'object', properties: { room: { type: 'integer', minimum: 1 }, mode: { enum: ['manual', 'echo'] } }, additionalProperties: false },
  create: (_environment, options) => {
    made.push(options);
    return new ProbeTarget(ndis);
  },
};
const environment: OffloadTargetEnvironment = { clock: ndis.clock, random: ndis.random, dpcQueue: ndis.dpcQueue, pools: ndis };

describe('a plugin', () => {
  test('without a word about its abilities has none', async () => {
    const { name, cases } = await casesOfModule({ default: plugin }, 'some-module');
    expect(name).toBe('target-tried');
    expect(cases.length).toBeGreaterThan(0);
    for (const { missing, requires } of cases) expect(missing).toEqual(requires);
  });

  test('has those that its module names', async () => {
    const abilities: ConformanceAbilities = { abilities: ['peer', 'virtual-time'], peer: () => Promise.reject(new Error('unused')) };
    const { cases } = await casesOfModule({ default: plugin, conformanceAbilities: abilities }, 'some-module');
    for (const { missing, requires } of cases) expect(missing).toEqual(requires.filter((ability) => ability !== 'peer' && ability !== 'virtual-time'));
  });

  test('is made with the options of its module, of the caller, and of the case, the later above the earlier', async () => {
    const abilities: ConformanceAbilities = {
      abilities: ['connection-capacity'],
      options: { room: 1, mode: 'manual' },
      optionsFor: ({ connectionCapacity }) => (connectionCapacity === undefined ? {} : { room: connectionCapacity }),
    };
    made.length = 0;
    for (const options of [undefined, { room: 5 }]) {
      const subject = pluginSubject(plugin, abilities, options);
      await subject.create(environment, {});
      await subject.create(environment, { connectionCapacity: 9 });
    }
    expect(made.map(({ room }) => room)).toEqual([1, 9, 5, 9]);
    expect(made.every(({ mode }) => mode === 'manual')).toBe(true);
  });

  test('can have other abilities with other options', () => {
    const abilities = ({ mode }: Options): ConformanceAbilities => (mode === 'echo' ? {} : { abilities: ['peer'], peer: () => Promise.reject(new Error('unused')) });
    expect(pluginSubject(plugin, abilities).abilities).toEqual(['peer']);
    expect(pluginSubject(plugin, abilities, { mode: 'echo' }).abilities).toEqual([]);
  });

  test('hands its target to everything the kit asks', async () => {
    const asked: [what: string, ...args: unknown[]][] = [];
    const note = (what: string) => (...args: unknown[]): undefined => {
      asked.push([what, ...args]);
    };
    const peer = { write: () => Promise.resolve(), read: () => Promise.resolve(null), end: () => Promise.resolve(), reset: () => undefined };
    const subject = await pluginSubject(plugin, {
      abilities: ['peer', 'control', 'hardware-failure'],
      peer: (...args) => {
        note('peer')(...args);
        return peer;
      },
      control: { pauseOffload: note('pause'), uploadAll: note('upload'), resumeOffload: note('resume') },
      failHardware: note('fail'),
      dispose: note('dispose'),
    }).create(environment, {});
    expect(subject.peer?.(1, 2)).toBe(peer);
    subject.pauseOffload?.();
    subject.uploadAll?.();
    subject.resumeOffload?.();
    subject.failHardware?.(3, 4);
    await subject.dispose?.();
    const { target } = subject;
    expect(asked).toEqual([['peer', target, 1, 2], ['pause', target], ['upload', target], ['resume', target], ['fail', target, 3, 4], ['dispose', target]]);
  });

  test.each<[says: string, abilities: unknown]>([
    ['conformanceAbilities is null, not an object', null],
    ['conformanceAbilities is a string, not an object', 'peer'],
    ['conformanceAbilities is a string, not an object', () => 'peer'],
    ['conformanceAbilities.abilities is no list', { abilities: 'peer' }],
    ['there is no ability "pear" (there are peer, forward,', { abilities: ['pear'] }],
    ['there is no ability "toString"', { abilities: ['toString'] }],
    ['names the ability peer and lacks peer, which it stands on', { abilities: ['peer'] }],
    ['names the ability control and lacks control, which it stands on', { abilities: ['control'] }],
    ['names the ability vlan-capacity and lacks optionsFor, which it stands on', { abilities: ['vlan-capacity'] }],
    ['conformanceAbilities.peer is no function', { abilities: ['peer'], peer: {} }],
    ['conformanceAbilities.control.uploadAll is no function', { abilities: ['control'], control: { pauseOffload: () => undefined, resumeOffload: () => undefined } }],
    ['has peer and does not name the ability peer', { peer: () => undefined }],
    ['has failHardware and does not name the ability hardware-failure', { abilities: [], failHardware: () => undefined }],
  ])('whose abilities do not fit is refused: %s', async (says, conformanceAbilities) => {
    const refused = casesOfModule({ default: plugin, conformanceAbilities }, 'some-module');
    await expect(refused).rejects.toThrow(TypeError);
    await expect(refused).rejects.toThrow(`target-tried: `);
    await expect(refused).rejects.toThrow(says);
  });

  test('with options its schema forbids is refused before its abilities are asked', async () => {
    let isAsked = false;
    const conformanceAbilities = (): ConformanceAbilities => {
      isAsked = true;
      return {};
    };
    await expect(casesOfModule({ default: plugin, conformanceAbilities }, 'some-module', { options: { room: 0 } })).rejects.toThrow('target target-tried: options/room');
    expect(isAsked).toBe(false);
    await expect(casesOfModule({ default: plugin, conformanceAbilities: { options: { space: 1 } } }, 'some-module')).rejects.toThrow(/target target-tried: options.*space/u);
  });
});

describe('an export named conformance', () => {
  test('comes before the plugin, as a list of cases', async () => {
    const cases = [caseOf('own'), lacking('other', 'peer')];
    expect(await casesOfModule({ default: plugin, conformance: cases }, 'some-module')).toEqual({ name: 'some-module', cases });
  });

  test('may be options for targets', async () => {
    const create = (): never => {
      throw new Error('made');
    };
    const { cases } = await casesOfModule({ conformance: { create, abilities: ['peer'] } }, 'some-module', { seed: 5 });
    expect(cases.some(({ requires, missing }) => requires.includes('peer') && !missing.includes('peer'))).toBe(true);
    await expect(cases[0]?.run()).rejects.toThrow('made');
  });

  test('may be a function of the settings, also one that takes its time', async () => {
    const settings = { seed: 'x', options: { room: 3 } };
    const given: unknown[] = [];
    const conformance = (found: unknown): Promise<unknown> => {
      given.push(found);
      return Promise.resolve([caseOf('own')]);
    };
    const { cases } = await casesOfModule({ conformance }, 'some-module', settings);
    expect([cases.map(({ id }) => id), given]).toEqual([['own'], [settings]]);
  });

  test.each<[says: string, conformance: unknown, settings?: object]>([
    ['conformance is neither a list of cases nor options with a function create', {}],
    ['conformance is neither a list of cases nor options with a function create', null],
    ['what conformance() returns is neither a list of cases', () => undefined],
    ['conformance[1] is no conformance case: it lacks title, rules, run', [caseOf('own'), { id: 'x', requirement: 'C-NDIS-SND', requires: [], missing: [] }]],
    ['conformance[0] is no conformance case', [null]],
    ['a list of cases, which have their seed already', [caseOf('own')], { seed: 1 }],
    ['a list of cases, which have their intermediate drivers already', [caseOf('own')], { intermediates: [] }],
    ['a list of cases, which have their number of drivers already', [caseOf('own')], { drivers: 1 }],
    ['options are for plugins and for a conformance export that is a function', [caseOf('own')], { options: {} }],
  ])('that cannot be used is refused: %s', async (says, conformance, settings) => {
    const refused = casesOfModule({ conformance }, 'some-module', settings);
    await expect(refused).rejects.toThrow(TypeError);
    await expect(refused).rejects.toThrow(/^some-module: /u);
    await expect(refused).rejects.toThrow(says);
  });
});

describe('an export named createIntermediate', () => {
  const createIntermediate = (): never => {
    throw new Error('made');
  };

  test('makes the drivers of the cases, with the abilities its module names', async () => {
    const { name, cases } = await casesOfModule({ createIntermediate, conformanceAbilities: { abilities: ['transparent'] } }, 'some-driver', { seed: 3, drivers: 2 });
    expect(name).toBe('some-driver');
    for (const { id, missing, requires } of cases) {
      expect(id).toMatch(/^intermediate-/u);
      expect(missing).toEqual(requires.filter((ability) => ability !== 'transparent'));
    }
    await expect(cases[0]?.run()).rejects.toThrow('made');
  });

  test('comes after a plugin', async () => {
    const { name } = await casesOfModule({ default: plugin, createIntermediate }, 'some-module');
    expect(name).toBe('target-tried');
  });

  test.each<[says: string, module: object, settings?: object]>([
    ['createIntermediate is no function', { createIntermediate: {} }],
    ['conformanceAbilities is a string, not an object', { createIntermediate, conformanceAbilities: 'transparent' }],
    ['conformanceAbilities.abilities is no list', { createIntermediate, conformanceAbilities: { abilities: {} } }],
    ['there is no ability "opaque"', { createIntermediate, conformanceAbilities: { abilities: ['opaque'] } }],
    ['only a target is tried behind others', { createIntermediate }, { intermediates: [] }],
    ['options are for plugins', { createIntermediate }, { options: {} }],
  ])('that cannot be used is refused: %s', async (says, module, settings) => {
    const refused = casesOfModule(module, 'some-driver', settings);
    await expect(refused).rejects.toThrow(TypeError);
    await expect(refused).rejects.toThrow(/^some-driver: /u);
    await expect(refused).rejects.toThrow(says);
  });

  test('a number of drivers is refused where there are none to count', async () => {
    await expect(casesOfModule({ default: plugin }, 'some-module', { drivers: 2 })).rejects.toThrow('some-module: a number of drivers is for intermediate drivers; this is a target');
  });
});

test('a module with nothing to prove is refused with what it lacks', async () => {
  await expect(casesOfModule({ other: 1 }, 'some-module')).rejects.toThrow('some-module brings nothing to prove: it has neither an offload-target plugin');
  await expect(casesOfModule({ default: { name: 'half' } }, 'some-module')).rejects.toThrow('some-module is not an offload-target plugin: it lacks apiVersion');
});
