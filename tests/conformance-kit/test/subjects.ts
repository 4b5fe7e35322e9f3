// The subjects the kit is tried on: targets, as any plugin author would hand in theirs.
import { pluginSubject, type OffloadTargetConformanceOptions } from '@ndis-chimney/conformance';
import memoryTarget, { conformanceAbilities } from '@ndis-chimney/target-memory';

import { createCarefulTarget, type CarefulOptions } from './careful-target.ts';
import { rawSubject } from './raw-target/raw-subject.ts';
import { createSinkTarget, type SinkOptions } from './sink-target.ts';
import { createSlowTarget } from './slow-target.ts';

/** The memory target with peers in the hands of the kit: what the command runs. */
export const memorySubject: OffloadTargetConformanceOptions = pluginSubject(memoryTarget, conformanceAbilities);

/** A target that has what the memory target has not: limits of every kind, and hardware that breaks when the kit says so. */
export const sinkSubject: OffloadTargetConformanceOptions = sink();

function sink(options: SinkOptions = {}): OffloadTargetConformanceOptions {
  const bufferBytes = 16_384;
  return {
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
      'hardware-alarm',
      'send-backlog',
      'neighbor-query',
    ],
    bufferBytes,
    create: (environment, wishes) => {
      const { target, lose, alarm, changeBacklog } = createSinkTarget(environment, { bufferBytes, ...options, ...wishes });
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
        alarmHardware: alarm,
        changeBacklog,
      };
    },
  };
}

/** A target that puts forwarded segments in order and runs timers. */
export function carefulSubject(options: CarefulOptions = {}): OffloadTargetConformanceOptions {
  return {
    abilities: ['forward', 'virtual-time', 'strict-invalidate', 'neighbor-query', 'reassembly', 'timers'],
    create: (environment) => ({ target: createCarefulTarget(environment, options) }),
  };
}

const memoryAbilities = conformanceAbilities();

/** The memory target with its engine far away. */
const slowSubject: OffloadTargetConformanceOptions = {
  abilities: memoryAbilities.abilities,
  peerWindowBytes: memoryAbilities.peerWindowBytes,
  bufferBytes: memoryAbilities.bufferBytes,
  create: (environment, wishes) => createSlowTarget(environment, { ...memoryAbilities.options, ...memoryAbilities.optionsFor(wishes) }, { answerMs: 2 }),
};

/** Each of them, by its name. */
export const subjects: readonly (readonly [name: string, subject: OffloadTargetConformanceOptions])[] = [
  ['target-memory', memorySubject],
  ['target-sink', sinkSubject],
  ['target-sink at once', sink({ isImmediate: true })],
  ['target-memory from afar', slowSubject],
  ['target-raw', rawSubject],
  ['target-careful', carefulSubject()],
  ['target-careful from afar', carefulSubject({ isDistant: true })],
];
