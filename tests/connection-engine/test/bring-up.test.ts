import { Ndis } from '@ndis-chimney/core';
import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import { present } from '@ndis-chimney/kit';
import { createOffloadTarget, type ConnectionEngine, type EngineEnvironment } from '@ndis-chimney/offload-target';
import { NDIS_STATUS_SUCCESS } from '@ndis-chimney/types';
import { describe, expect, it } from 'vitest';

import { ScriptedEngine } from './scripted-engine.ts';

function start(createEngine: (environment: EngineEnvironment) => ConnectionEngine): { ndis: Ndis; violations: string[]; add: (name: string) => number } {
  const runtime = new DeterministicRuntime(1);
  const ndis = new Ndis(runtime);
  const violations: string[] = [];
  ndis.onViolationReported(({ message }) => violations.push(message));
  const target = createOffloadTarget({ clock: runtime.clock, random: runtime.random, dpcQueue: runtime.dpcQueue, pools: ndis }, { name: 'target', createEngine });
  const driver = present(ndis.registerMiniportDriver(target).ndisDriverHandle);
  return { ndis, violations, add: (name) => ndis.addAdapter(driver, name).status };
}

describe('an adapter', () => {
  it('has an engine of its own, that is told when it halts', () => {
    const halted: string[] = [];
    class Engine extends ScriptedEngine {
      halt(): void {
        halted.push(this.environment.name);
      }
    }
    const names: string[] = [];
    const { ndis, violations, add } = start((environment) => {
      names.push(environment.name);
      expect(environment.ticksPerSecond).toBe(1000);
      return new Engine(environment);
    });
    expect([add('one'), add('two')]).toEqual([NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS]);
    ndis.removeAdapter(present(ndis.findAdapter('one')));
    expect([names, halted, violations]).toEqual([['target one', 'target two'], ['target one'], []]);
  });

  it('CHIM-ENG-002: does not come up when its engine cannot be made, and others do', () => {
    let isBroken = true;
    const { violations, add } = start((environment) => {
      if (isBroken) throw new Error('no device');
      return new ScriptedEngine(environment);
    });
    expect(add('one')).not.toBe(NDIS_STATUS_SUCCESS);
    isBroken = false;
    expect(add('two')).toBe(NDIS_STATUS_SUCCESS);
    expect(violations).toEqual(['CHIM-ENG-002: target: engine of one: createEngine threw no device']);
  });
});
