import { createStack, createTarget, requireTargetPlugin } from '@ndis-chimney/stack';
import memoryTarget from '@ndis-chimney/target-memory';
import { OFFLOAD_TARGET_API_VERSION } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

const plugin = { ...memoryTarget };

describe('what is not a plugin is refused with what it lacks and where it came from', () => {
  test.each([
    [undefined, 'it has no default export'],
    ['memory', 'its default export is a string, not an object'],
    [null, 'its default export is null, not an object'],
    [() => plugin, 'its default export is a function, not an object'],
    [{}, 'it lacks name (a string), apiVersion (a number), optionsSchema (a JSON Schema object), create (a function)'],
    [{ ...plugin, name: '' }, 'it lacks name (a string)'],
    [{ ...plugin, create: 'memory' }, 'it lacks create (a function)'],
    [{ ...plugin, optionsSchema: null }, 'it lacks optionsSchema (a JSON Schema object)'],
  ])('%#', (value, message) => {
    expect(() => requireTargetPlugin(value, 'some-module')).toThrow(TypeError);
    expect(() => requireTargetPlugin(value, 'some-module')).toThrow(`some-module is not an offload-target plugin: ${message}`);
  });

  test('a plugin of another version of the contract is refused with both versions', () => {
    const later = { ...plugin, apiVersion: OFFLOAD_TARGET_API_VERSION + 1 };
    expect(() => requireTargetPlugin(later, 'some-module')).toThrow(`some-module was written for version ${OFFLOAD_TARGET_API_VERSION + 1} of the plugin contract; this stack has version ${OFFLOAD_TARGET_API_VERSION}`);
  });

  test('by createStack, before anything is made', async () => {
    await expect(createStack({ target: {} as never })).rejects.toThrow('createStack: target is not an offload-target plugin');
  });
});

describe('options are checked against the plugin’s schema', () => {
  test.each([
    [{ latency: 5 }, 'latency'],
    [{ latencyMs: -5 }, 'options/latencyMs'],
    [{ peer: 'mirror' }, 'options/peer'],
    [{ peerWindowBytes: '1' }, 'options/peerWindowBytes'],
  ])('%j names the target and the option', async (targetOptions, option) => {
    const created = createStack({ targetOptions: targetOptions as never });
    await expect(created).rejects.toThrow(TypeError);
    await expect(created).rejects.toThrow(/^target target-memory: /u);
    await expect(created).rejects.toThrow(option);
  });

  test('the target is not made when they do not fit', () => {
    let isMade = false;
    const watched = {
      ...plugin,
      create: () => {
        isMade = true;
        throw new Error('made');
      },
    };
    expect(() => createTarget(watched, {} as never, { peer: 'mirror' } as never)).toThrow(TypeError);
    expect(isMade).toBe(false);
  });
});
