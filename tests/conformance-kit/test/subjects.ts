// The subjects the kit is tried on: targets, as any plugin author would hand in theirs.
import { pluginSubject, type OffloadTargetConformanceOptions } from '@ndis-chimney/conformance';
import memoryTarget, { conformanceAbilities } from '@ndis-chimney/target-memory';

import { createCarefulTarget, type CarefulOptions } from './careful-target.ts';
import { createSinkTarget } from './sink-target.ts';

/** The memory target with peers in the hands of the kit: what the command runs. */
export const memorySubject: OffloadTargetConformanceOptions = pluginSubject(memoryTarget, conformanceAbilities);

/** A target that has what the memory target has not: limits of every kind, and hardware that breaks when the kit says so. */
export const sinkSubject: OffloadTargetConformanceOptions = {
  abilities: [
    'virtual-time',
    'control',
    'connection-capacity',
    'path-capacity',
    'neighbor-capacity',
    'vlan-capacity',
    'admission-limits',
    'interface-vlans',
    'strict-invalidate',
    'hardware-failure',
    'neighbor-query',
  ],
  bufferBytes: 16_384,
  create: (environment, wishes) => {
    const { target, lose } = createSinkTarget(environment, { bufferBytes: 16_384, ...wishes });
    return {
      target,
      pauseOffload: () => {
        target.pauseOffload();
      },
      uploadAll: () => {
        target.uploadAll();
      },
      resumeOffload: () => {
        target.resumeOffload();
      },
      failHardware: lose,
    };
  },
};

/** A target that puts forwarded segments in order and runs timers. */
export function carefulSubject(options: CarefulOptions = {}): OffloadTargetConformanceOptions {
  return {
    abilities: ['forward', 'virtual-time', 'strict-invalidate', 'neighbor-query', 'reassembly', 'timers'],
    create: (environment) => ({ target: createCarefulTarget(environment, options) }),
  };
}

/** Each of them, by its name. */
export const subjects: readonly (readonly [name: string, subject: OffloadTargetConformanceOptions])[] = [
  ['target-memory', memorySubject],
  ['target-sink', sinkSubject],
  ['target-careful', carefulSubject()],
  ['target-careful from afar', carefulSubject({ isDistant: true })],
];
